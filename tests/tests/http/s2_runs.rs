//! Run tokens: what they open, and that a run which was cut off changes nothing.

use serde_json::json;
use tidegate_core::access::RunIdentity;
use tidegate_core::seams::store::{Append, Commit, Op, Writer as Class};
use tidegate_protocol::control;
use tidegate_protocol::ids::{Channel, SessionKey};
use tidegate_protocol::token::run::{self as run_token, RunClaims};

use crate::harness::{FOREIGN_KEY, Gate, KEY, ROOT_KEY, message};
use crate::s2_writer::{FRAMES, JSON, Writer, acks, chunk, framed, frames, out, put, run};

/// The gateway takes the session from whoever runs it.
async fn cut_off(gate: &Gate, session: &str) {
    let append = Append {
        channel: Channel::OUT,
        writer: Class::Gateway { bump: true },
        frame_key: None,
        records: vec![control::keep_alive()],
        owed: false,
    };
    let session = SessionKey::new("dev", session);
    let commit = Commit { session, ops: vec![Op::Append(append)] };
    gate.gateway.store().commit(commit).await.expect("the gateway writes");
}

#[tokio::test]
async fn a_run_has_the_powers_of_server_code() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let (token, _) = run(&gate, "c", "run_1").await;
    let client = gate.as_bearer(&token);
    assert_eq!(client.get("/api/v1/sessions/c").await.status, 200);
    assert_eq!(client.get("/realtime/v1/sessions/c/in/records").await.status, 200);
    let body = json!({"scopes": ["read:sessions:c"]}).to_string();
    let minted = client.post("/api/v1/auth/public-tokens", &body).await;
    assert_eq!(minted.status, 200);
    let public = minted.json()["token"].as_str().expect("a token").to_owned();
    assert_eq!(gate.as_bearer(&public).get("/api/v1/sessions/c").await.status, 200);
    let child = crate::harness::create_body("child").to_string();
    assert_eq!(client.post("/api/v1/sessions", &child).await.status, 201);
    let answer = client.post("/realtime/v1/sessions/child/in/append", "opaque").await;
    assert_eq!(answer.status, 200);
    let answer = client.post("/realtime/v1/sessions/child/out/append", "{}").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn tokens_of_other_kinds_and_places_are_refused() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let now = gate.gateway.access().now_s();
    let claims = RunClaims {
        sub: "dev".into(),
        run: "run_1".into(),
        session: "c".into(),
        fence: 0,
        attempt: 1,
        iat: now,
        exp: now + 60,
    };
    let status = async |token: &str| gate.as_bearer(token).get("/api/v1/sessions/c").await.status;
    // A root key signs by itself, as the SDK does with it.
    assert_eq!(status(&run_token::sign(&claims, ROOT_KEY.as_bytes())).await, 200);
    // A minting key does not: it is no signing key.
    assert_eq!(status(&run_token::sign(&claims, KEY.as_bytes())).await, 401);
    assert_eq!(status(&run_token::sign(&claims, FOREIGN_KEY.as_bytes())).await, 401);
    let expired = RunClaims { exp: now, ..claims.clone() };
    assert_eq!(status(&run_token::sign(&expired, ROOT_KEY.as_bytes())).await, 401);
    let elsewhere = RunClaims { sub: "prod".into(), ..claims };
    assert_eq!(status(&run_token::sign(&elsewhere, ROOT_KEY.as_bytes())).await, 401);
}

#[tokio::test]
async fn a_run_that_was_cut_off_reads_but_changes_nothing() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let (token, fence) = run(&gate, "c", "run_1").await;
    let client = gate.as_bearer(&token);
    let writer = Writer::of(&gate, &put(&client, "c").await);
    let first = acks(&writer.append(FRAMES, framed(&[chunk("a")])).await.body);
    assert_eq!(client.post("/realtime/v1/sessions/c/out/append", "{}").await.status, 200);
    cut_off(&gate, "c").await;
    // Its own writes, over what it was given before.
    let late = writer.append(FRAMES, framed(&[chunk("b")])).await;
    let frames = frames(&late.body);
    assert_eq!((frames[0].0, &frames[0].1[..2]), (0x80, &409_u16.to_be_bytes()[..]));
    assert_eq!(writer.json(json!([{"body": "late"}])).await.code(), "fenced");
    assert_eq!(acks(&writer.append(FRAMES, framed(&[chunk("a")])).await.body), first);
    // Every other change, of whatever session.
    let create = crate::harness::create_body("late").to_string();
    let input = message("u1", "late").to_string();
    for (method, path, body) in [
        ("PUT", "/realtime/v1/sessions/c/out", ""),
        ("POST", "/realtime/v1/sessions/c/out/append", "{}"),
        ("POST", "/realtime/v1/sessions/c/in/append", input.as_str()),
        ("PATCH", "/api/v1/sessions/c", r#"{"tags":["late"]}"#),
        ("POST", "/api/v1/sessions/c/close", "{}"),
        ("POST", "/api/v1/sessions", &create),
        ("PUT", "/api/v1/sessions/c/snapshot-url", ""),
    ] {
        let answer = client.call(method, path, &[], body).await;
        assert_eq!((answer.status, answer.code().as_str()), (409, "fenced"), "{method} {path}");
        assert_eq!(answer.header("x-should-retry"), Some("false"), "{method} {path}");
    }
    assert_eq!(client.get("/api/v1/sessions/c").await.status, 200);
    assert_eq!(out(&gate, "c").await.len(), 3);
    // Its successor goes on.
    let (token, next) = run(&gate, "c", "run_2").await;
    assert!(next > fence);
    let writer = Writer::of(&gate, &put(&gate.as_bearer(&token), "c").await);
    assert_eq!(writer.append(FRAMES, framed(&[chunk("b")])).await.status, 200);
    assert_eq!(out(&gate, "c").await.len(), 4);
}

#[tokio::test]
async fn in_another_session_a_run_is_a_guest() {
    let gate = Gate::start().await;
    gate.create("c").await;
    gate.create("other").await;
    let (token, _) = run(&gate, "c", "run_1").await;
    let writer = Writer::of(&gate, &put(&gate.as_bearer(&token), "other").await);
    cut_off(&gate, "other").await;
    let good = br#"{"records":[{"body":"x"}]}"#.to_vec();
    assert_eq!(writer.append(JSON, good.clone()).await.status, 200);
    let session = SessionKey::new("dev", "other");
    let commit = Commit { session, ops: vec![Op::HandOver] };
    gate.gateway.store().commit(commit).await.expect("a hand-over");
    assert_eq!(writer.append(JSON, good).await.code(), "fenced");
}

#[tokio::test]
async fn a_run_of_a_session_that_was_deleted_is_cut_off() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let (token, fence) = run(&gate, "c", "run_1").await;
    let session = SessionKey::new("dev", "c");
    gate.gateway.delete_session(&session).await.expect("deleted");
    gate.create("c").await;
    let refused = put(&gate.as_bearer(&token), "c").await;
    assert_eq!(refused.code(), "fenced");
    // Neither does a fence that was never given pass.
    let identity = RunIdentity { run: "run_1".into(), session, fence: fence + 9, attempt: 1 };
    let ahead = gate.gateway.access().mint_run_token("dev", &identity).expect("a key");
    assert_eq!(put(&gate.as_bearer(&ahead), "c").await.code(), "fenced");
}
