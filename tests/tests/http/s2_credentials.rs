//! Who gets S2 write credentials, and what they open.

use tidegate_core::seams::store::{Commit, Op};
use tidegate_protocol::ids::SessionKey;

use crate::harness::{FOREIGN_KEY, Gate};
use crate::s2_writer::{JSON, Writer, put, run, send};

const GOOD: &str = r#"{"records":[{"body":"x"}]}"#;

#[tokio::test]
async fn server_code_gets_them_and_nobody_else() {
    let gate = Gate::start().await;
    gate.create("c/ä").await;
    let answer = put(&gate.client(), "c%2F%C3%A4").await;
    assert_eq!((answer.status, answer.text().as_str()), (202, r#"{"version":"v2"}"#));
    for name in ["x-s2-access-token", "x-s2-basin", "x-s2-stream-name"] {
        assert!(answer.header(name).is_some_and(|value| value.is_ascii()), "{name}");
    }
    assert_eq!(answer.header("x-s2-flush-interval-ms"), Some("10"));
    let endpoint = format!("http://{}/s2/v1", gate.server.local_addr());
    assert_eq!(answer.header("x-s2-endpoint"), Some(endpoint.as_str()));
    let token = gate.token(&["read:sessions", "write:sessions", "admin"]);
    assert_eq!(put(&gate.as_bearer(&token), "c%2F%C3%A4").await.code(), "unauthorized");
    assert_eq!(put(&gate.as_bearer("x"), "c%2F%C3%A4").await.status, 401);
    assert_eq!(put(&gate.as_bearer(FOREIGN_KEY), "c%2F%C3%A4").await.code(), "session_not_found");
    assert_eq!(put(&gate.client(), "session_none").await.code(), "session_not_found");
    let input = gate.client().call("PUT", "/realtime/v1/sessions/c%2F%C3%A4/in", &[], "").await;
    assert_eq!(input.code(), "method_not_allowed");
}

#[tokio::test]
async fn the_address_is_the_configured_one_or_where_the_request_came_to() {
    let configured = |s2: Option<&str>, public: Option<&str>| {
        let (s2, public) = (s2.map(str::to_owned), public.map(str::to_owned));
        Gate::with(|config| (config.s2_url, config.public_url) = (s2, public))
    };
    let endpoint = async |gate: &Gate| {
        gate.create("c").await;
        let answer = put(&gate.client(), "c").await;
        answer.header("x-s2-endpoint").expect("an address").to_owned()
    };
    let gate = configured(Some("https://s2.example/a/b/"), Some("https://gw.example")).await;
    assert_eq!(endpoint(&gate).await, "https://s2.example/a/b");
    let gate = configured(Some("https://s2.example"), None).await;
    assert_eq!(endpoint(&gate).await, "https://s2.example/s2/v1");
    let gate = configured(None, Some("https://gw.example")).await;
    assert_eq!(endpoint(&gate).await, format!("http://{}/s2/v1", gate.server.local_addr()));
}

#[tokio::test]
async fn a_closed_session_is_for_its_own_run_only() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let before = Writer::guest(&gate, "c").await;
    let (token, _) = run(&gate, "c", "run_1").await;
    let close = gate.client().post("/api/v1/sessions/c/close", "{}").await;
    assert_eq!(close.status, 200, "{}", close.text());
    let refused = put(&gate.client(), "c").await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "session_closed"));
    assert_eq!(refused.header("x-should-retry"), Some("false"));
    let late = before.append(JSON, GOOD.into()).await;
    assert_eq!(late.code(), "session_closed");
    let writer = Writer::of(&gate, &put(&gate.as_bearer(&token), "c").await);
    assert_eq!(writer.append(JSON, GOOD.into()).await.status, 200);
}

#[tokio::test]
async fn they_open_one_stream_and_no_other_credential_opens_it() {
    let gate = Gate::start().await;
    gate.create("c").await;
    gate.create("d").await;
    let writer = Writer::guest(&gate, "c").await;
    let other = Writer::guest(&gate, "d").await;
    let credentials = put(&gate.client(), "c").await;
    let token = credentials.header("x-s2-access-token").expect("a token").to_owned();
    let bearer = gate.as_bearer(&token);
    let answer = send(&bearer, &other.path, JSON, GOOD.into()).await;
    assert_eq!((answer.status, answer.code().as_str()), (403, "unauthorized"));
    assert_eq!(answer.json()["message"], answer.json()["error"]);
    assert_eq!(bearer.get("/api/v1/sessions/c").await.status, 401);
    assert_eq!(bearer.post("/realtime/v1/sessions/c/out/append", "{}").await.status, 401);
    assert_eq!(put(&bearer, "c").await.status, 401);
    let (run, _) = run(&gate, "c", "run_1").await;
    let public = gate.token(&["admin", "write:sessions:c"]);
    for bearer in [crate::harness::KEY, &run, &public, "x", ""] {
        let answer = send(&gate.as_bearer(bearer), &writer.path, JSON, GOOD.into()).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "unauthenticated"), "{bearer}");
    }
    assert_eq!(bearer.get(&writer.path).await.status, 405);
}

#[tokio::test]
async fn a_guest_writes_until_hand_over_but_on_side_channels_for_longer() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let guest = Writer::guest(&gate, "c").await;
    let path = "/realtime/v1/sessions/c/channels/side/out";
    let side = Writer::of(&gate, &gate.client().call("PUT", path, &[], "").await);
    let chunk = r#"{"records":[{"body":"{\"data\":1,\"id\":\"a\"}"}]}"#;
    assert_eq!(guest.append(JSON, chunk.into()).await.status, 200);
    let session = SessionKey::new("dev", "c");
    let commit = Commit { session, ops: vec![Op::HandOver] };
    gate.gateway.store().commit(commit).await.expect("a hand-over");
    let late = guest.append(JSON, GOOD.into()).await;
    assert_eq!((late.status, late.code().as_str()), (409, "fenced"));
    // What was written before is acknowledged again all the same.
    let again = guest.append(JSON, chunk.into()).await;
    assert_eq!(again.json()["start"]["seq_num"], 0);
    assert_eq!(side.append(JSON, GOOD.into()).await.status, 200);
    let page = gate.client().get(&format!("{path}/records")).await.json();
    assert_eq!(page["records"].as_array().map(Vec::len), Some(1));
    assert_eq!(Writer::guest(&gate, "c").await.append(JSON, GOOD.into()).await.status, 200);
}
