//! Other forms of reading: views of the log, pages, side channels, heads, fates.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_protocol::control;

use crate::harness::{Gate, message};

const OUT: &str = "/realtime/v1/sessions/c/out";
const IN: &str = "/realtime/v1/sessions/c/in";

#[tokio::test]
async fn only_readers_who_may_write_find_a_token_on_a_boundary() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let body = message("u", "hi").to_string();
    assert_eq!(gate.client().post(&format!("{IN}/append"), &body).await.status, 200);
    let watcher = gate.token(&["read:sessions:c"]);
    let owner = gate.token(&["read:sessions:c", "write:sessions:c"]);
    let boundary = |bearer: String| {
        let client = gate.as_bearer(&bearer);
        async move {
            let mut events = client.read(OUT, &[]).await;
            loop {
                let record = events.next().await.expect("a boundary");
                if control::is_boundary(&record) {
                    return record.header(control::ACCESS_TOKEN).map(str::to_owned);
                }
            }
        }
    };
    assert_eq!(boundary(watcher).await, None);
    let token = boundary(owner).await.expect("a token");
    let append = gate.as_bearer(&token).post(&format!("{IN}/append"), "with it").await;
    assert_eq!(append.status, 200);
    let page = gate.client().get(&format!("{OUT}/records")).await.text();
    assert!(!page.contains(control::ACCESS_TOKEN), "a token was stored");
}

#[tokio::test]
async fn records_are_paged() {
    let gate = Gate::start().await;
    gate.create("c").await;
    gate.emit("c", &["a", "b", "c"]).await;
    let page = gate.client().get(&format!("{OUT}/records?afterEventId=0&limit=1")).await.json();
    let records = page["records"].as_array().expect("a list");
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["seqNum"], 1);
    assert_eq!(records[0]["data"], json!({"type": "text-delta", "id": "t", "delta": "b"}));
    assert!(records[0]["id"].is_string() && records[0].get("headers").is_none());
    for bad in ["limit=0", "limit=1001", "limit=x", "afterEventId=x"] {
        assert_eq!(gate.client().get(&format!("{OUT}/records?{bad}")).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn a_control_record_has_headers_and_no_data() {
    let gate = Gate::start().await;
    gate.create("c").await;
    gate.client().post(&format!("{IN}/append"), &message("u", "hi").to_string()).await;
    let mut events = gate.client().read(OUT, &[]).await;
    while !control::is_boundary(&events.next().await.expect("a boundary")) {}
    let page = gate.client().get(&format!("{OUT}/records")).await.json();
    let last = page["records"].as_array().and_then(|list| list.last()).expect("records").clone();
    assert_eq!(last["data"], Value::Null);
    assert_eq!(last["headers"][0], json!(["trigger-control", "turn-complete"]));
}

#[tokio::test]
async fn side_channels_are_streams_of_their_own() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let client = gate.client();
    let side = "/realtime/v1/sessions/c/channels/files.v-1";
    let append = client.post(&format!("{side}/in/append"), "up").await;
    assert_eq!(append.json(), json!({"ok": true, "seq": 0}));
    client.post(&format!("{side}/out/append"), r#"{"type":"data-x"}"#).await;
    let mut events = client.read(&format!("{side}/out"), &[]).await;
    assert_eq!(events.next().await.expect("a record").seq_num, 0);
    let mut events = client.read(&format!("{side}/in"), &[]).await;
    assert_eq!(events.next().await.expect("a record").seq_num, 0);
    // Neither reached the session's own pair.
    for path in [OUT, IN] {
        let page = client.get(&format!("{path}/records")).await.json();
        assert_eq!(page["records"], json!([]), "{path}");
    }
}

#[tokio::test]
async fn a_head_says_where_a_stream_stands() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let head = gate.client().call("HEAD", OUT, &[], "").await;
    assert_eq!((head.status, head.header("x-last-chunk-index")), (200, Some("-1")));
    gate.emit("c", &["a", "b"]).await;
    let head = gate.client().call("HEAD", OUT, &[], "").await;
    assert_eq!(head.header("x-last-chunk-index"), Some("1"));
}

#[tokio::test]
async fn i2_fates_can_be_asked_for() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let client = gate.client();
    client.post(&format!("{IN}/append"), "opaque").await;
    client.post(&format!("{IN}/append"), &message("u", "hi").to_string()).await;
    let mut events = client.read(OUT, &[]).await;
    while !control::is_boundary(&events.next().await.expect("a boundary")) {}
    let fates = client.get("/v1/sessions/c/inputs").await.json();
    assert_eq!(fates["inputs"][0], json!({"seq": 0, "fate": "consumed"}));
    assert_eq!(fates["inputs"][1], json!({"seq": 1, "fate": "answered", "turn": 1}));
    let fates = client.get("/v1/sessions/c/inputs?after=0&limit=1").await.json();
    assert_eq!(fates["inputs"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn event_sources_may_carry_their_token_in_the_address() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let token = gate.token(&["read:sessions:c", "write:sessions:c"]);
    let nobody = gate.as_bearer("");
    let path = format!("{OUT}?access_token={token}");
    let response = nobody.open("GET", &path, &[], "").await;
    assert_eq!(response.status(), 200);
    // Nothing else may.
    let append = nobody.post(&format!("{IN}/append?access_token={token}"), "x").await;
    assert_eq!(append.status, 401);
    let retrieve = nobody.get(&format!("/api/v1/sessions/c?access_token={token}")).await;
    assert_eq!(retrieve.status, 401);
}

#[tokio::test]
async fn silence_is_pinged() {
    let gate = Gate::start().await;
    gate.create("c").await;
    gate.emit("c", &["a"]).await;
    let mut events = gate.client().read(OUT, &[("timeout-seconds", "12")]).await;
    assert_eq!(events.take(1).await.len(), 1);
    let before = std::time::Instant::now();
    assert_eq!(events.rest().await, []);
    assert_eq!(events.pings, 1);
    assert!(before.elapsed() >= Duration::from_secs(11));
}
