//! What changes at one gateway, seen by another (R-FLT-5).

use std::sync::Arc;

use serde_json::{Value, json};
use tidegate_core::Gateway;
use tidegate_core::seams::store::Retention;
use tidegate_protocol::control;
use tidegate_protocol::ids::SessionKey;
use tidegate_protocol::metadata::Operation;
use tidegate_store::servers::{Config, Redis};
use tokio::sync::Notify;

use crate::harness::{floor, text};
use crate::nodes::{Nodes, at, over_redis};
use crate::worker::Worker;

/// Notes of one gateway on each run.
const NOTES: usize = 50;
const SESSIONS: usize = 60;

/// Each over a store in memory and over a real Redis.
macro_rules! at_two_gateways {
    ($($name:ident)*) => {
        mod memory {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    let mut nodes = super::Nodes::new();
                    let (a, b) = (nodes.start("a").await, nodes.start("b").await);
                    super::$name(a, b).await;
                }
            )*
        }

        mod redis {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    let server = super::Redis::start(super::Config::default());
                    let a = super::over_redis(&server, 1).await;
                    let b = super::over_redis(&server, 2).await;
                    super::$name(a, b).await;
                }
            )*
        }
    };
}

at_two_gateways! {
    notes_of_several_gateways_on_one_run_all_count
    a_version_that_was_chosen_elsewhere_counts_from_the_next_turn_on
    a_close_elsewhere_reaches_readers_everywhere
    a_session_that_is_deleted_elsewhere_ends_here_and_starts_anew
}

async fn create(gateway: &Gateway, name: &str, config: Value) -> String {
    let chat = at(gateway, name);
    let body = json!({
        "type": "chat.agent", "externalId": name, "taskIdentifier": "linked",
        "triggerConfig": config,
    });
    let request = serde_json::from_value(body).expect("well-typed");
    let created = gateway.create_session(&chat.principal, request, None).await.expect("created");
    created.row.run_id.clone()
}

async fn note(gateway: Gateway, run: String, key: &'static str) {
    let principal = at(&gateway, "s").principal;
    for _ in 0..NOTES {
        let operations = [key, "both"]
            .map(|key| Operation::Increment { key: key.to_owned(), value: 1.0 })
            .to_vec();
        gateway.note_metadata(&principal, &run, None, operations).await.expect("noted");
    }
}

async fn notes_of_several_gateways_on_one_run_all_count(a: Gateway, b: Gateway) {
    let run = create(&a, "s", json!({"basePayload": {}})).await;
    let there = tokio::spawn(note(b.clone(), run.clone(), "b"));
    let here = tokio::spawn(note(a.clone(), run.clone(), "a"));
    there.await.expect("no panic");
    here.await.expect("no panic");
    let run = a.retrieve_run(&at(&a, "s").principal, &run).await.expect("there");
    let count = |key: &str| run.notes.metadata.get(key).and_then(Value::as_f64);
    let notes = NOTES as f64;
    assert_eq!(["a", "b", "both"].map(count), [notes, notes, 2.0 * notes].map(Some));
}

async fn a_version_that_was_chosen_elsewhere_counts_from_the_next_turn_on(a: Gateway, b: Gateway) {
    let never = Arc::new(Notify::new());
    let _old = Worker::link(&a, "old", "1", 4, &never);
    let _new = Worker::link(&a, "new", "2", 4, &never);
    let locked = |version| json!({"basePayload": {}, "lockToVersion": version});
    create(&a, "s", locked("1")).await;
    let seq = at(&a, "s").say("u1", "one").await;
    assert!(text(&at(&a, "s").answer_to(seq).await).contains("old: one"));
    assert_eq!(a.turns().len(), 1, "it is still served there");
    create(&b, "s", locked("2")).await;
    let seq = at(&b, "s").say("u2", "two").await;
    let answer = text(&at(&b, "s").answer_to(seq).await);
    assert!(answer.contains("new: two"), "{answer}");
}

async fn a_close_elsewhere_reaches_readers_everywhere(a: Gateway, b: Gateway) {
    at(&a, "s").create(json!({"trigger": "preload"})).await.expect("created");
    let seq = at(&a, "s").say("u1", "one").await;
    at(&a, "s").answer_to(seq).await;
    let reader = tokio::spawn(async move {
        at(&a, "s").read(Some(0), |r| control::kind(r) == Some(control::SESSION_CLOSED)).await
    });
    let principal = at(&b, "s").principal;
    b.close_session(&principal, "s", Some("done".to_owned()), None).await.expect("closed");
    reader.await.expect("no panic");
}

async fn a_session_that_is_deleted_elsewhere_ends_here_and_starts_anew(a: Gateway, b: Gateway) {
    at(&a, "s").create(json!({"trigger": "preload"})).await.expect("created");
    at(&a, "s").say("u1", "/hang").await;
    let records = at(&b, "s").read(None, |r| text(std::slice::from_ref(r)).contains("here")).await;
    let cursor = records.last().map(|record| record.seq_num);
    assert_eq!(a.turns().len(), 1);
    let key = SessionKey::new("dev", "s");
    let chat = at(&a, "s");
    let reader =
        tokio::spawn(async move { chat.read(cursor, |record| floor(record).is_some()).await });
    b.delete_session(&key).await.expect("deleted");
    assert!(a.turns().is_empty(), "the turn that ran has ended with it");
    at(&b, "s").create(json!({"trigger": "preload"})).await.expect("created");
    let seq = at(&b, "s").say("u1", "again").await;
    assert!(text(&at(&b, "s").answer_to(seq).await).contains("again"));
    // Who read the old one at the other gateway goes on with the new one (a gap, R-REC-1).
    let records = reader.await.expect("no panic");
    assert!(text(&records).contains("again"), "{records:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_gateway_sweeps_its_share_and_nothing_is_swept_twice() {
    let mut nodes = Nodes::keeping(Retention { closed_ttl_ms: 0, ..Retention::default() });
    let (a, b) = (nodes.start("a").await, nodes.start("b").await);
    for index in 0..SESSIONS {
        let name = format!("s{index}");
        at(&a, &name).create(json!({"trigger": "preload"})).await.expect("created");
        let principal = at(&a, &name).principal;
        let closed = b.close_session(&principal, &name, None, None).await;
        closed.expect("closed");
    }
    let shares =
        |partition| (a.serving().looks_after(partition), b.serving().looks_after(partition));
    assert!((0..=255).map(shares).all(|(a, b)| a != b), "one looks after each partition");
    let (swept_a, swept_b) = tokio::join!(a.sweep_expired(0), b.sweep_expired(0));
    let swept = [swept_a.expect("swept"), swept_b.expect("swept")];
    assert!(swept.iter().all(|swept| *swept > 0), "{swept:?}");
    assert_eq!(swept.iter().sum::<usize>(), SESSIONS);
    nodes.kill("a", &a);
    assert!((0..=255).all(|partition| b.serving().looks_after(partition)), "it takes over");
}
