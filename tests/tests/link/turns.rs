//! Turns, as an agent of the Rust client answers them.

use serde_json::json;
use tidegate_client::WorkerError;

use crate::chat::{Chat, chunk};
use crate::worker::{Running, gateway, scripted};

#[tokio::test]
async fn turns_are_answered_with_the_history() {
    let (gateway, _dir) = gateway().await;
    let worker = Running::start(&gateway.address, "1", vec![scripted("a"), scripted("b")]);
    // The agent is known from its registration on; until then the session can't be made.
    let mut chat = known(&gateway, "a", "c1").await;
    assert_eq!(chat.ask("hello").await, "You said: hello");
    assert_eq!(chat.ask("/seen").await, "3");
    let mut other = Chat::create(&gateway, "b", "c2").await;
    assert_eq!(other.ask("/count 200 0").await, counted(200));
    let payload = json!({"trigger": "action", "action": {"type": "undo"}});
    let seq = chat.append(&json!({"kind": "message", "payload": payload})).await;
    assert_eq!(chat.answer(seq).await, r#"action {"type":"undo"}"#);
    worker.drain().await.expect("drained");
}

#[tokio::test]
async fn a_stop_drops_the_agents_future_and_the_next_turn_runs() {
    let (gateway, _dir) = gateway().await;
    let worker = Running::start(&gateway.address, "1", vec![scripted("a")]);
    let mut chat = known(&gateway, "a", "c1").await;
    let seq = chat.say("/hang").await;
    chat.read_until(|log| log.iter().filter_map(chunk).any(|c| c["type"] == "text-delta")).await;
    chat.append(&json!({"kind": "stop"})).await;
    assert_eq!(chat.answer(seq).await, "hanging");
    assert_eq!(chat.ask("still there?").await, "You said: still there?");
    // A worker that still ran the stopped turn could not drain.
    worker.drain().await.expect("drained");
}

#[tokio::test]
async fn a_failure_of_the_agent_ends_its_turn_alone() {
    let (gateway, _dir) = gateway().await;
    let worker = Running::start(&gateway.address, "1", vec![scripted("a")]);
    let mut chat = known(&gateway, "a", "c1").await;
    for (words, expected) in [
        ("/fail", "no luck today"),
        ("/panic", "The agent failed."),
        ("/bad", "not a UI message chunk"),
        ("/huge", "at most 1048576 bytes"),
    ] {
        chat.ask(words).await;
        let chunks = chat.chunks();
        let error = chunks.iter().rev().find(|chunk| chunk["type"] == "error");
        let text = error.unwrap_or_else(|| panic!("{words}: no error"))["errorText"].to_string();
        assert!(text.contains(expected), "{words}: {text}");
    }
    assert_eq!(chat.ask("and now?").await, "You said: and now?");
    worker.drain().await.expect("drained");
}

#[tokio::test]
async fn many_sessions_share_one_link() {
    let (gateway, _dir) = gateway().await;
    let worker = Running::start(&gateway.address, "1", vec![scripted("a")]);
    known(&gateway, "a", "first").await;
    // More than the worker's capacity: the rest waits for room.
    let chats = (0..40).map(|n| {
        let gateway = &gateway;
        async move {
            let mut chat = Chat::create(gateway, "a", &format!("c{n}")).await;
            assert_eq!(chat.ask("/count 50 1").await, counted(50), "c{n}");
        }
    });
    futures_util::future::join_all(chats).await;
    worker.drain().await.expect("drained");
}

#[tokio::test]
async fn a_worker_that_drains_finishes_and_a_newer_version_takes_over() {
    let (gateway, _dir) = gateway().await;
    let old = Running::start(&gateway.address, "1", vec![scripted("a")]);
    let mut chat = known(&gateway, "a", "c1").await;
    let seq = chat.say("/count 100 2").await;
    chat.read_until(|log| log.iter().filter_map(chunk).any(|c| c["type"] == "text-delta")).await;
    let new = Running::start(&gateway.address, "2", vec![scripted("a")]);
    old.drain().await.expect("drained");
    assert_eq!(chat.answer(seq).await, counted(100));
    assert_eq!(chat.ask("hello").await, "You said: hello");
    new.drain().await.expect("drained");
}

#[tokio::test]
async fn what_is_appended_without_a_worker_waits_for_one() {
    let (gateway, _dir) = gateway().await;
    let first = Running::start(&gateway.address, "1", vec![scripted("a")]);
    let mut chat = known(&gateway, "a", "c1").await;
    first.drain().await.expect("drained");
    let seq = chat.say("anybody?").await;
    let second = Running::start(&gateway.address, "1", vec![scripted("a")]);
    assert_eq!(chat.answer(seq).await, "You said: anybody?");
    second.drain().await.expect("drained");
}

#[tokio::test]
async fn a_worker_that_is_refused_ends_with_the_reason() {
    let (gateway, _dir) = gateway().await;
    let taken = Running::start(&gateway.address, "1", vec![scripted("demo")]);
    let ended = taken.ended().await;
    assert!(
        matches!(&ended, Err(WorkerError::Refused { code: 4500, message })
            if message.contains("agent_conflict")),
        "{ended:?}"
    );
    let url = format!("http://{}", gateway.address);
    let worker = tidegate_client::Worker::connect(&url, "wrong").agent(scripted("a"));
    let ended = worker.run_until(std::future::pending()).await;
    assert!(matches!(ended, Err(WorkerError::Rejected { status: 401, .. })), "{ended:?}");
}

/// A session for an agent whose worker may not have registered yet.
async fn known(gateway: &tidegate_tests::process::Gateway, agent: &str, name: &str) -> Chat {
    crate::raw::until_known(gateway, agent).await;
    Chat::create(gateway, agent, name).await
}

pub(crate) fn counted(count: u64) -> String {
    (0..count).map(|n| format!("{n} ")).collect()
}
