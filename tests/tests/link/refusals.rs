//! What is refused before or at `hello` (R-LNK-1 to R-LNK-8).

use serde_json::{Value, json};
use tidegate_protocol::link::{PATH, SUBPROTOCOL};
use tidegate_tests::process::{Gateway, KEY};
use tokio_tungstenite::tungstenite::Message;

use crate::raw::{Raw, hello};
use crate::worker::gateway;

#[tokio::test]
async fn the_upgrade_needs_a_secret_key_and_the_subprotocol() {
    let (gateway, _dir) = gateway().await;
    let refused = async |key: &str, subprotocol: Option<&str>| {
        let Err((status, body)) = Raw::open(&gateway, key, subprotocol).await else {
            panic!("{key} with {subprotocol:?} was let in");
        };
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    };
    let unsupported = (400, "unsupported_subprotocol".to_owned());
    assert_eq!(refused(KEY, None).await, unsupported);
    assert_eq!(refused(KEY, Some("tidegate.agent.v2")).await, unsupported);
    assert_eq!(refused("wrong", Some(SUBPROTOCOL)).await, (401, "unauthenticated".to_owned()));
    let body = r#"{"claims":{"scopes":["read:sessions"]}}"#;
    let minted = gateway.client().post("/api/v1/auth/public-tokens", &[], body).await.expect("up");
    if let Some(token) = minted.json()["token"].as_str() {
        assert_eq!(refused(token, Some(SUBPROTOCOL)).await.0, 403);
    }
    let plain = gateway.client().get(PATH).await.expect("up");
    assert_eq!(
        (plain.status, plain.json()["code"].as_str()),
        (400, Some("unsupported_subprotocol"))
    );
    let post = gateway.client().post(PATH, &[], "{}").await.expect("up");
    assert_eq!(post.status, 405);
    let offered = format!("other, {SUBPROTOCOL}");
    assert!(Raw::open(&gateway, KEY, Some(&offered)).await.is_ok());
}

async fn says(gateway: &Gateway, message: Message) -> (u16, Option<String>) {
    let mut raw = Raw::connect(gateway).await;
    raw.message(message).await;
    raw.closed().await
}

#[tokio::test]
async fn what_is_no_frame_closes_the_link_and_no_other() {
    let (gateway, _dir) = gateway().await;
    let mut bystander = Raw::join(&gateway, "bystander", &["a"]).await;
    let malformed = (4400, Some("invalid_body".to_owned()));
    for text in [
        "",
        "{",
        "[]",
        "7",
        r#"{"t":7}"#,
        r#"{"t":"nonsense"}"#,
        r#"{"t":"hello"}"#,
        r#"{"t":"ping"}"#,
        r#"{"t":"done","id":"t_1","seq":1}"#,
        r#"{"t":"bye"}"#,
    ] {
        assert_eq!(says(&gateway, Message::text(text)).await, malformed, "{text}");
    }
    let binary = Message::binary(br#"{"t":"ping"}"#.to_vec());
    assert_eq!(says(&gateway, binary).await, malformed);
    let oversized = Message::text("x".repeat((32 << 20) + 1));
    assert_eq!(says(&gateway, oversized).await, malformed);
    let mut twice = Raw::join(&gateway, "twice", &["a"]).await;
    twice.send(&hello("twice", &["a"])).await;
    assert_eq!(twice.closed().await, malformed);
    bystander.send(&json!({"t": "ping"})).await;
    bystander.next_of("pong").await;
}

#[tokio::test]
async fn registrations_that_are_refused() {
    let (gateway, _dir) = gateway().await;
    let mut bystander = Raw::join(&gateway, "bystander", &["a"]).await;
    let with = |key: &str, value: Value| {
        let mut frame = hello("w", &["b"]);
        frame[key] = value;
        frame
    };
    let agents = |agents: &[Value]| with("agents", Value::from(agents.to_vec()));
    let agent = |id: &str| json!({"id": id, "mode": "turns"});
    let takes_over =
        |tools: Value| json!({"id": "b", "mode": "turns", "handover": "calls", "tools": tools});
    let ten_thousand: Vec<Value> = (0..10_000).map(|n| agent(&format!("agent-{n}"))).collect();
    let invalid = "invalid_registration";
    for (frame, code) in [
        (with("capacity", json!(0)), invalid),
        (with("capacity", json!(10_001)), invalid),
        (with("worker", json!("")), invalid),
        (with("worker", json!("a b")), invalid),
        (with("worker", json!("x".repeat(65))), invalid),
        (agents(&[]), invalid),
        (agents(&ten_thousand), invalid),
        (agents(&[agent("b"), agent("b")]), invalid),
        (agents(&[agent("")]), invalid),
        (agents(&[agent("b/c")]), invalid),
        (agents(&[json!({"id": "b", "mode": "turns", "version": ""})]), invalid),
        (agents(&[json!({"id": "b", "mode": "turns", "version": "ä"})]), invalid),
        (agents(&[takes_over(json!([{"description": "no name"}]))]), invalid),
        (agents(&[takes_over(json!([{"name": ""}]))]), invalid),
        (agents(&[takes_over(json!([{"name": "two words"}]))]), invalid),
        (agents(&[takes_over(json!([{"name": "x".repeat(65)}]))]), invalid),
        (agents(&[takes_over(json!([{"name": "x"}, {"name": "x"}]))]), invalid),
        (agents(&[takes_over(json!([{"name": "x", "input_schema": "text"}]))]), invalid),
        (agents(&[takes_over(json!([{"name": "x", "input_schema": [1]}]))]), invalid),
        (agents(&[takes_over(json!([{"name": "x", "needs_approval": 1}]))]), invalid),
        (agents(&[agent("demo")]), "agent_conflict"),
        (agents(&[json!({"id": "a", "mode": "runs"})]), "agent_conflict"),
    ] {
        let text = frame.to_string();
        let closed = says(&gateway, Message::text(text.clone())).await;
        let shown = &text[..text.len().min(200)];
        assert_eq!(closed, (4500, Some(code.to_owned())), "{shown}");
    }
    bystander.send(&json!({"t": "ping"})).await;
    bystander.next_of("pong").await;
}

#[tokio::test]
async fn a_newer_link_replaces_the_older_one() {
    let (gateway, _dir) = gateway().await;
    let mut first = Raw::join(&gateway, "w", &["a"]).await;
    let same = hello("w", &["a"]);
    let refused = says(&gateway, Message::text(same.to_string())).await;
    assert_eq!(refused, (4500, Some("invalid_registration".to_owned())), "epoch 1 again");
    let mut second = Raw::connect(&gateway).await;
    let mut newer = same;
    newer["epoch"] = json!(2);
    second.send(&newer).await;
    second.next_of("welcome").await;
    assert_eq!(first.closed().await, (4001, None));
    second.send(&json!({"t": "bye"})).await;
    assert_eq!(second.closed().await, (1000, None));
}
