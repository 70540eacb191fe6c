//! The traps of trigger-client §5 that concern the wire, by their numbers. Others are held by
//! tests that say `trap_NN` elsewhere in this folder.

use std::time::Duration;

use serde_json::{Value, json};
use tidegate_protocol::limits::{APPEND_BODY_MAX_BYTES, READ_TIMEOUT_DEFAULT_S};
use tidegate_transport::config::Limits;

use crate::harness::{Gate, KEY, create_body, message};

const OUT: &str = "/realtime/v1/sessions/c/out";
const IN: &str = "/realtime/v1/sessions/c/in/append";

#[tokio::test]
async fn trap_01_the_stream_version_is_there_and_exposed() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let events = gate.client().read(OUT, &[]).await;
    assert_eq!(events.header("x-stream-version"), Some("v2"));
    assert_eq!(events.header("content-type"), Some("text/event-stream"));
    assert_eq!(events.header("cache-control"), Some("no-cache, no-transform"));
    assert_eq!(events.header("x-accel-buffering"), Some("no"));
    let exposed = events.header("access-control-expose-headers").expect("exposed");
    assert!(exposed.contains('*') && exposed.contains("X-Stream-Version"), "{exposed}");
}

#[tokio::test]
async fn trap_02_permanent_faults_of_a_read_have_a_status_that_ends_it() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let client = gate.client();
    let nobody = gate.as_bearer("nobody");
    let faults = [
        (client.call("GET", OUT, &[("last-event-id", "x")], "").await, 400),
        (client.call("GET", OUT, &[("timeout-seconds", "0")], "").await, 400),
        (client.call("GET", OUT, &[("tidegate-protocol-version", "9")], "").await, 400),
        (client.get("/realtime/v1/sessions/%zz/out").await, 400),
        (client.get("/realtime/v1/sessions/session_nope/out").await, 404),
        (nobody.get(OUT).await, 401),
        (gate.as_bearer(&gate.token(&["read:sessions:d"])).get(OUT).await, 403),
    ];
    for (answer, status) in faults {
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(answer.header("x-should-retry"), Some("false"));
    }
    // A fault that passes is retried, as it should be.
    let limits = Limits { max_streams: 0, ..Limits::default() };
    let full = Gate::with(|config| config.limits = limits).await;
    full.create("c").await;
    let answer = full.client().get(OUT).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "overloaded"));
    assert_eq!(answer.header("x-should-retry"), Some("true"));
}

#[tokio::test]
async fn trap_03_headers_come_before_any_record() {
    let gate = Gate::start().await;
    gate.create("c").await;
    // `open` answers at the head, and nothing was written yet.
    let response = gate.client().open("GET", OUT, &[], "").await;
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn trap_04_an_empty_stream_is_held_until_its_timeout() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let before = std::time::Instant::now();
    let mut events = gate.client().read(OUT, &[("timeout-seconds", "1")]).await;
    assert_eq!(events.rest().await, []);
    assert!(events.done, "no [DONE]");
    // Never early; how late is the machine's business.
    assert!(before.elapsed() >= Duration::from_millis(990));
}

#[test]
fn trap_21_the_default_window_outlasts_head_start() {
    const { assert!(READ_TIMEOUT_DEFAULT_S >= 60) }
}

#[tokio::test]
async fn traps_06_07_31_a_batch_is_what_the_parser_reads() {
    let gate = Gate::start().await;
    gate.create("c").await;
    gate.emit("c", &["hi"]).await;
    let answer = gate.client().call("GET", OUT, &[("timeout-seconds", "1")], "").await;
    let text = answer.text();
    let data = text.split("event: batch\ndata: ").nth(1).and_then(|rest| rest.lines().next());
    let batch: Value = serde_json::from_str(data.expect("a batch")).expect("JSON");
    let record = &batch["records"][0];
    assert_eq!((&record["seq_num"], &record["headers"]), (&json!(0), &json!([])));
    let body: Value =
        serde_json::from_str(record["body"].as_str().expect("a string")).expect("JSON");
    assert_eq!(body["data"], json!({"type": "text-delta", "id": "t", "delta": "hi"}));
    assert!(body["id"].is_string());
    // Trap 32: the last `"seq_num"` of the text is that of the last record.
    assert!(batch.get("tail").is_none());
    assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
}

#[tokio::test]
async fn traps_08_10_a_turn_ends_in_one_boundary_at_its_input() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let answer = gate.client().post(IN, &message("u1", "hello").to_string()).await;
    let seq = answer.json()["seq"].as_u64().expect("a seq");
    let mut events = gate.client().read(OUT, &[]).await;
    loop {
        let record = events.next().await.expect("a boundary comes");
        if let Some(upto) = record.header("session-in-event-id") {
            assert!(upto.parse::<u64>().expect("digits") >= seq);
            assert_eq!(record.header("trigger-control"), Some("turn-complete"));
            break;
        }
    }
}

#[tokio::test]
async fn traps_12_only_a_settled_peek_says_settled() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let peek = [("x-peek-settled", "1"), ("timeout-seconds", "1")];
    // Without a boundary, a peek is a read like any other.
    let events = gate.client().read(OUT, &peek).await;
    assert_eq!(events.header("x-session-settled"), None);
    let answer = gate.client().post(IN, &message("u1", "hello").to_string()).await;
    assert_eq!(answer.status, 200);
    let mut events = gate.client().read(OUT, &[]).await;
    let mut all = Vec::new();
    while all
        .last()
        .is_none_or(|r: &tidegate_protocol::Record| !tidegate_protocol::control::is_boundary(r))
    {
        all.push(events.next().await.expect("a record"));
    }
    drop(events);
    let mut events = gate.client().read(OUT, &[("x-peek-settled", "1")]).await;
    assert_eq!(events.header("x-session-settled"), Some("true"));
    let settled = events.rest().await;
    assert_eq!(settled.len(), all.len());
    assert!(events.done);
    // Behind the last record there is nothing, and no wait.
    let last = all.last().expect("records").seq_num.to_string();
    let mut events =
        gate.client().read(OUT, &[("x-peek-settled", "1"), ("last-event-id", &last)]).await;
    assert_eq!(events.rest().await, []);
    // A normal read of a settled session never says so.
    let events = gate.client().read(OUT, &[("last-event-id", &last)]).await;
    assert_eq!(events.header("x-session-settled"), None);
}

#[tokio::test]
async fn traps_13_14_cursors_are_honoured_clamped_and_waited_for() {
    let gate = Gate::start().await;
    gate.create("c").await;
    gate.emit("c", &["a", "b"]).await;
    let client = gate.client();
    let mut after = client.read(OUT, &[("last-event-id", "0")]).await;
    assert_eq!(after.next().await.expect("a record").seq_num, 1);
    let mut beyond = client.read(OUT, &[("last-event-id", "3")]).await;
    gate.emit("c", &["c", "d", "e"]).await;
    assert_eq!(beyond.next().await.expect("a record").seq_num, 4);
    let mut latest = client.read(OUT, &[("x-trigger-stream-start", "latest")]).await;
    gate.emit("c", &["f"]).await;
    assert_eq!(latest.next().await.expect("a record").seq_num, 5);
}

#[tokio::test]
async fn traps_15_16_a_closed_session_says_so_once() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let client = gate.client();
    client.post("/api/v1/sessions/c/close", r#"{"reason":"done"}"#).await;
    let append = client.post(IN, "x").await;
    assert_eq!(append.status, 409);
    assert_eq!(append.header("x-should-retry"), Some("false"));
    let body = append.json();
    assert_eq!(body["ok"], false);
    assert_eq!(body["code"], "session_closed");
    assert_eq!(body["closedReason"], "done");
    assert!(body["error"].is_string());
    let create = gate.try_create("c").await;
    assert_eq!((create.status, create.header("x-should-retry")), (409, Some("false")));

    gate.create("quiet").await;
    client.post("/api/v1/sessions/quiet/close", "{}").await;
    let append = client.post("/realtime/v1/sessions/quiet/in/append", "x").await;
    assert_eq!(append.json().get("closedReason"), Some(&Value::Null));
}

#[tokio::test]
async fn trap_17_a_fresh_name_is_read_and_not_found_for_appends() {
    let gate = Gate::start().await;
    let client = gate.client();
    let mut events = client.read(OUT, &[]).await;
    let append = client.post(IN, "x").await;
    assert_eq!((append.status, append.code().as_str()), (404, "session_not_found"));
    gate.create("c").await;
    gate.emit("c", &["first"]).await;
    assert_eq!(events.next().await.expect("a record").seq_num, 0);
}

#[tokio::test]
async fn trap_22_an_empty_body_with_a_json_type_is_fine() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let client = gate.client();
    assert_eq!(client.post("/api/v1/auth/jwt/claims", "").await.status, 200);
    assert_eq!(client.get("/api/v1/sessions/c").await.status, 200);
    let put = client.call("PUT", OUT, &[], "").await;
    assert_eq!(put.status, 202);
}

#[tokio::test]
async fn trap_23_an_append_is_opaque() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let client = gate.client();
    for (seq, body) in ["raw \"string\"", "{broken", "", "42"].iter().enumerate() {
        let answer = client.post(IN, body).await;
        assert_eq!(answer.json(), json!({"ok": true, "seq": seq}), "{body}");
    }
    let page = client.get("/realtime/v1/sessions/c/in/records").await.json();
    assert_eq!(page["records"][0]["data"], "raw \"string\"");
    assert_eq!(page["records"][1]["data"], "{broken");
}

#[tokio::test]
async fn trap_24_a_create_may_hold_a_history() {
    let gate = Gate::start().await;
    let mut body = create_body("c");
    body["triggerConfig"]["basePayload"]["headStartMessages"] = json!(["x".repeat(5 << 20)]);
    let answer = gate.client().post("/api/v1/sessions", &body.to_string()).await;
    assert_eq!(answer.status, 201);
}

#[tokio::test]
async fn traps_24_28_a_body_that_is_too_large_harms_nothing() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let client = gate.client();
    let mut connection = client.connect().await;
    let large = "x".repeat(APPEND_BODY_MAX_BYTES + 1);
    let refused = connection.send(client.request("POST", IN, &[], &large)).await;
    let refused = crate::client::whole(refused).await;
    assert_eq!((refused.status, refused.code().as_str()), (413, "body_too_large"));
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
    let next = connection.send(client.request("POST", IN, &[], "small")).await;
    assert_eq!(crate::client::whole(next).await.json(), json!({"ok": true, "seq": 0}));
    // Fits as a body, and not as a record.
    let escaped = "\"".repeat(APPEND_BODY_MAX_BYTES - 10);
    let refused = client.post(IN, &escaped).await;
    assert_eq!((refused.status, refused.code().as_str()), (413, "record_too_large"));
    assert_eq!(client.post(IN, "fine").await.status, 200);
}

#[tokio::test]
async fn trap_25_encoded_slashes_stay_in_their_segment() {
    let gate = Gate::start().await;
    let id = gate.create("chat/1 ä").await["id"].as_str().expect("an id").to_owned();
    let client = gate.client();
    let path = "/realtime/v1/sessions/chat%2F1%20%C3%A4/in/append";
    assert_eq!(client.post(path, "one").await.json()["seq"], 0);
    // The other name leads to the same stream.
    let path = format!("/realtime/v1/sessions/{id}/in/append");
    assert_eq!(client.post(&path, "two").await.json()["seq"], 1);
}

#[tokio::test]
async fn trap_27_a_read_outlives_its_token() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let access = gate.gateway.access();
    let scopes = vec!["read:sessions:c".to_owned()];
    let token = access.mint("dev", scopes, access.now_s() + 2, None, None).expect("a key");
    let reader = gate.as_bearer(&token);
    let mut events = reader.read(OUT, &[]).await;
    while reader.call("HEAD", OUT, &[], "").await.status != 401 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    gate.emit("c", &["late"]).await;
    assert_eq!(events.next().await.expect("a record").seq_num, 0);
}

#[tokio::test]
async fn trap_29_what_was_written_before_the_read_is_there() {
    let gate = Gate::start().await;
    gate.create("c").await;
    gate.emit("c", &["a", "b", "c"]).await;
    let mut events = gate.client().read(OUT, &[]).await;
    assert_eq!(events.take(3).await.len(), 3);
}

#[tokio::test]
async fn trap_30_a_repeated_part_gets_its_first_answer() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let part = [("x-part-id", "p1")];
    let first = gate.client().call("POST", IN, &part, "a").await.json();
    gate.client().post(IN, "b").await;
    let again = gate.client().call("POST", IN, &part, "a").await.json();
    assert_eq!(first, again);
    let page = gate.client().get("/realtime/v1/sessions/c/in/records").await.json();
    assert_eq!(page["records"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn trap_33_a_read_is_never_204() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let response = gate.client().open("GET", OUT, &[("x-peek-settled", "1")], "").await;
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn trap_34_a_branch_is_ignored() {
    let gate = Gate::start().await;
    let headers = [("x-trigger-branch", "feature/x")];
    let body = create_body("c").to_string();
    let answer = gate.client().call("POST", "/api/v1/sessions", &headers, &body).await;
    assert_eq!(answer.status, 201);
    assert_eq!(gate.as_bearer(KEY).call("GET", "/live", &headers, "").await.status, 200);
}
