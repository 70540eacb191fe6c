//! Agents whose workers are linked to some of the gateways.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::Notify;

use crate::harness::{Chat, text};
use crate::nodes::{Nodes, at};
use crate::worker::Worker;

async fn create(chat: &Chat) {
    let body = json!({
        "type": "chat.agent", "externalId": chat.name, "taskIdentifier": "linked",
        "triggerConfig": {"basePayload": {"trigger": "preload"}},
    });
    let request = serde_json::from_value(body).expect("well-typed");
    chat.gateway.create_session(&chat.principal, request, None).await.expect("created");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_serves_sessions_whose_clients_are_elsewhere() {
    let mut nodes = Nodes::new();
    let (a, b, c) = (nodes.start("a").await, nodes.start("b").await, nodes.start("c").await);
    create(&at(&a, "s")).await;
    let seq = at(&a, "s").say("u1", "one").await;
    let never = Arc::new(Notify::new());
    let _worker = Worker::link(&b, "w", "1", 4, &never);
    let records = at(&c, "s").answer_to(seq).await;
    assert!(text(&records).contains("w: one"), "{records:?}");
    let seq = at(&c, "s").say("u2", "two").await;
    let records = at(&a, "s").answer_to(seq).await;
    assert!(text(&records).contains("w: two"), "{records:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn room_at_another_gateway_is_used() {
    let mut nodes = Nodes::new();
    let (a, b) = (nodes.start("a").await, nodes.start("b").await);
    let release = Arc::new(Notify::new());
    let _first = Worker::link(&a, "w1", "1", 1, &release);
    create(&at(&a, "s1")).await;
    create(&at(&a, "s2")).await;
    let held = at(&a, "s1").say("u1", "/hold").await;
    at(&a, "s1").read(None, |_| true).await;
    let waiting = at(&a, "s2").say("u1", "two").await;
    let _second = Worker::link(&b, "w2", "1", 1, &release);
    let records = at(&a, "s2").answer_to(waiting).await;
    assert!(text(&records).contains("w2: two"), "{records:?}");
    release.notify_one();
    let records = at(&b, "s1").answer_to(held).await;
    assert!(text(&records).contains("w1: /hold"), "{records:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_version_wins_wherever_it_is() {
    let mut nodes = Nodes::new();
    let (a, b) = (nodes.start("a").await, nodes.start("b").await);
    let never = Arc::new(Notify::new());
    let _old = Worker::link(&a, "old", "1", 4, &never);
    create(&at(&a, "s")).await;
    let seq = at(&a, "s").say("u1", "one").await;
    assert!(text(&at(&a, "s").answer_to(seq).await).contains("old: one"));
    let _new = Worker::link(&b, "new", "2", 4, &never);
    // Until the others have heard of the new version, the old one may answer.
    for turn in 2.. {
        let seq = at(&a, "s").say(&format!("u{turn}"), "again").await;
        if text(&at(&a, "s").answer_to(seq).await).contains("new: again") {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_elsewhere_goes_on_after_a_gateway_was_killed() {
    let mut nodes = Nodes::new();
    let (a, b) = (nodes.start("a").await, nodes.start("b").await);
    let release = Arc::new(Notify::new());
    let first = Worker::link(&a, "w1", "1", 4, &release);
    create(&at(&b, "s")).await;
    let held = at(&b, "s").say("u1", "/hold it").await;
    let _second = Worker::link(&b, "w2", "1", 4, &release);
    nodes.kill("a", &a);
    drop(first);
    release.notify_waiters();
    release.notify_one();
    let records = at(&b, "s").answer_to(held).await;
    assert!(text(&records).contains("/hold it"), "{records:?}");
}

/// I7: only who was asked and failed has tried.
#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_moved_before_it_had_a_worker_is_a_first_attempt() {
    let mut nodes = Nodes::new();
    let (a, b) = (nodes.start("a").await, nodes.start("b").await);
    let release = Arc::new(Notify::new());
    let _first = Worker::link(&a, "w1", "1", 1, &release);
    create(&at(&a, "s1")).await;
    create(&at(&a, "s2")).await;
    at(&a, "s1").say("u1", "/hold").await;
    at(&a, "s1").read(None, |_| true).await;
    let waiting = at(&a, "s2").say("u1", "/attempt").await;
    let _second = Worker::link(&b, "w2", "1", 1, &release);
    let records = at(&a, "s2").answer_to(waiting).await;
    assert!(text(&records).contains("w2: attempt 1"), "{records:?}");
    assert_eq!(b.turns().len(), 1, "it moved");
}
