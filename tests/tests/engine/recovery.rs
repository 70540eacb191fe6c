//! A gateway that goes away mid-answer, and the next one on the same store.

use tidegate_protocol::control;

use crate::harness::{Chat, chunks, floor, gateway, message_text, text, types};

/// Drops the engine without a word; the disk store is closed, for its lock, and opened again.
/// (`kill -9` of the real thing: `chaos.rs`.)
async fn crash(chat: Chat, url: &str) -> Chat {
    let Chat { gateway: old, name, .. } = chat;
    old.turns().abort();
    old.store().close().await.expect("it closes");
    drop(old);
    Chat::of(gateway(url, 1_000_000).await, &name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visible_answer_is_closed_as_interrupted() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let url = format!("disk:{}", dir.path().display());
    let chat = Chat::of(gateway(&url, 1).await, "c");
    chat.create(serde_json::json!({"trigger": "preload"})).await.expect("created");
    let seq = chat.say("u1", "/hang").await;
    chat.read(None, |record| text(std::slice::from_ref(record)).contains("here")).await;
    let queued = chat.say("u2", "next").await;
    let chat = crash(chat, &url).await;
    let records = chat.read(Some(0), |record| floor(record) == Some(queued)).await;
    let first = records.iter().position(control::is_boundary).expect("a boundary");
    assert!(types(&records[..first]).contains(&"error".to_owned()), "{records:?}");
    assert_eq!(floor(&records[first]), Some(seq));
    assert!(text(&records[first..]).contains("next"));
    let transcript = chat.transcript().await;
    assert_eq!(transcript.len(), 4);
    assert!(message_text(&transcript[1]).contains("Still here"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unseen_answer_is_asked_for_again_under_the_same_id() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let url = format!("disk:{}", dir.path().display());
    let chat = Chat::of(gateway(&url, 1).await, "c");
    chat.create(serde_json::json!({"trigger": "preload"})).await.expect("created");
    let seq = chat.say("u1", "/wait 300 for it").await;
    tokio::task::yield_now().await;
    let chat = crash(chat, &url).await;
    let records = chat.answer_to(seq).await;
    assert!(text(&records).contains("for it"), "{records:?}");
    let starts = chunks(&records).into_iter().filter(|chunk| chunk["type"] == "start").count();
    assert_eq!((starts, chat.transcript().await.len()), (1, 2));
}
