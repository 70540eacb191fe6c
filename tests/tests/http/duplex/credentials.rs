//! Credentials of a connection and of its sessions, and what their end ends (R-DPX-8 to R-DPX-10).

use serde_json::json;
use tidegate_protocol::control;

use crate::chat::Chat;
use crate::duplex::start::{gate, gate_of};
use crate::duplex::wire::{Via, Wire, over_each};
use crate::harness::{FOREIGN_KEY, KEY};
use crate::plan::{AheadBy, Plan};
use std::sync::Arc;

over_each! {
    a_session_may_have_its_own
    a_credential_that_reaches_less_ends_what_it_does_not_reach
    what_an_expired_credential_opened_ends_and_can_be_opened_again
    an_append_with_an_expired_credential_is_refused
    a_credential_counts_for_what_follows_it
    a_credential_of_another_environment_reaches_nothing_here
    a_credential_that_may_only_read_is_shown_no_tokens
}

async fn a_session_may_have_its_own(via: Via) {
    let gate = gate().await;
    gate.create("a").await;
    gate.create("b").await;
    let mut wire = Wire::silent(&gate, via).await;
    wire.send(&json!({"t": "hello"})).await;
    assert_eq!(wire.next().await["expires_at"], json!(null));
    let none = wire.ask(json!({"t": "subscribe", "session": "a"})).await;
    assert_eq!(none["code"], "unauthenticated");
    let token = gate.token(&["read:sessions:a"]);
    // No answer need be waited for.
    wire.send_together(&[
        json!({"t": "auth", "id": 1, "session": "a", "token": token}),
        json!({"t": "ping", "n": 7}),
    ])
    .await;
    assert!(wire.next_of(1).await["expires_at"].is_u64());
    wire.subscribe(2, "a", json!({})).await;
    let other = wire.ask(json!({"t": "subscribe", "session": "b"})).await;
    assert_eq!(other["code"], "unauthenticated");
    let refused = wire.ask(json!({"t": "auth", "session": "a", "token": "no"})).await;
    assert_eq!(refused["code"], "unauthenticated");
    gate.emit("a", &["goes on"]).await;
    assert_eq!(wire.records(2, 1).await.len(), 1);
}

async fn a_credential_that_reaches_less_ends_what_it_does_not_reach(via: Via) {
    let gate = gate().await;
    gate.create("a").await;
    gate.create("b").await;
    let mut wire = Wire::new(&gate, via).await;
    wire.subscribe(1, "a", json!({})).await;
    wire.subscribe(2, "b", json!({})).await;
    wire.send(&json!({"t": "auth", "id": 3, "token": gate.token(&["read:sessions:b"])})).await;
    assert_eq!(wire.next_of(1).await["code"], "unauthorized");
    assert_eq!(wire.next_of(3).await["t"], "ack");
    gate.emit("b", &["goes on"]).await;
    assert_eq!(wire.records(2, 1).await.len(), 1);
    gate.until_gauge("streams", 1).await;
}

async fn what_an_expired_credential_opened_ends_and_can_be_opened_again(via: Via) {
    let gate = gate().await;
    gate.create("c").await;
    gate.emit("c", &["0"]).await;
    let access = gate.gateway.access();
    let short = || {
        let scopes = vec!["read:sessions:c".to_owned()];
        access.mint("dev", scopes, access.now_s() + 2, None, None).expect("a key")
    };
    let mut wire = Wire::with(&gate, via, &short()).await;
    wire.subscribe(1, "c", json!({})).await;
    wire.records(1, 1).await;
    let end = wire.next_of(1).await;
    assert_eq!((&end["t"], &end["code"]), (&json!("error"), &json!("unauthenticated")));
    let late = wire.ask(json!({"t": "subscribe", "session": "c"})).await;
    assert_eq!(late["code"], "unauthenticated");
    assert_eq!(wire.ask(json!({"t": "auth", "token": short()})).await["t"], "ack");
    wire.subscribe(1, "c", json!({"after": 0})).await;
    // One that is refreshed in time goes on.
    assert_eq!(wire.ask(json!({"t": "auth", "token": KEY})).await["t"], "ack");
    let past = access.now_s() + 2;
    while access.now_s() <= past {
        wire.send(&json!({"t": "ping"})).await;
        assert_eq!(wire.next().await["t"], "pong");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    gate.emit("c", &["1"]).await;
    assert_eq!(wire.records(1, 1).await[0].seq_num, 1);
}

async fn an_append_with_an_expired_credential_is_refused(via: Via) {
    let clock = Arc::new(AheadBy::default());
    let gate = gate_of(&Plan { clock: Arc::clone(&clock) as _, ..Plan::default() }, |_| {}).await;
    gate.create("c").await;
    let mut wire = Wire::with(&gate, via, &gate.token(&["write:sessions:c"])).await;
    let append = json!({"t": "append", "session": "c", "body": "x"});
    assert_eq!(wire.ask(append.clone()).await["seq"], 0);
    clock.pass_ms(601_000);
    assert_eq!(wire.ask(append).await["code"], "unauthenticated");
}

/// Nobody has to wait for the answer.
async fn a_credential_counts_for_what_follows_it(via: Via) {
    let gate = gate().await;
    gate.create("a").await;
    gate.create("b").await;
    let mut wire = Wire::new(&gate, via).await;
    // There is something to look at before the answer comes.
    wire.subscribe(1, "a", json!({})).await;
    wire.send_together(&[
        json!({"t": "auth", "id": 2, "token": gate.token(&["read:sessions:a"])}),
        json!({"t": "subscribe", "id": 3, "session": "b"}),
        json!({"t": "auth", "id": 4, "session": "b", "token": gate.token(&["read:sessions:b"])}),
        json!({"t": "subscribe", "id": 5, "session": "b"}),
    ])
    .await;
    assert_eq!(wire.next_of(2).await["t"], "ack");
    assert_eq!(wire.next_of(3).await["code"], "unauthorized");
    assert_eq!(wire.next_of(4).await["t"], "ack");
    assert_eq!(wire.next_of(5).await["t"], "ack");
}

async fn a_credential_of_another_environment_reaches_nothing_here(via: Via) {
    let gate = gate().await;
    gate.create("c").await;
    let mut wire = Wire::with(&gate, via, &gate.token(&["read:sessions:c"])).await;
    wire.subscribe(1, "c", json!({})).await;
    wire.send(&json!({"t": "auth", "id": 2, "token": FOREIGN_KEY})).await;
    assert_eq!(wire.next_of(1).await["code"], "unauthorized");
    assert_eq!(wire.next_of(2).await["t"], "ack");
    gate.until_gauge("streams", 0).await;
}

async fn a_credential_that_may_only_read_is_shown_no_tokens(via: Via) {
    let gate = gate().await;
    let chat = Chat::new(&gate, "c").await;
    let mut wire = Wire::new(&gate, via).await;
    wire.subscribe(1, "c", json!({})).await;
    for (turn, shown) in [("u1", true), ("u2", false)] {
        if !shown {
            let token = gate.token(&["read:sessions:c"]);
            assert_eq!(wire.ask(json!({"t": "auth", "token": token})).await["t"], "ack");
        }
        chat.say(turn, "hi").await;
        let boundary = loop {
            let records = wire.records_of(1).await;
            if let Some(boundary) = records.into_iter().find(control::is_boundary) {
                break boundary;
            }
        };
        let has_token = boundary.headers.iter().any(|(name, _)| name == control::ACCESS_TOKEN);
        assert_eq!(has_token, shown, "{boundary:?}");
    }
}
