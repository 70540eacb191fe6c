//! Cuts of the network under a worker: the link resumes, and nothing is lost or repeated
//! (R-LNK-10, R-LNK-11, R-LNK-13).

use crate::chat::{Chat, text};
use crate::proxy::Proxy;
use crate::raw::until_known;
use crate::turns::counted;
use crate::worker::{Running, gateway, scripted};

#[tokio::test]
async fn cuts_in_the_middle_of_an_answer_lose_and_repeat_nothing() {
    let (gateway, _dir) = gateway().await;
    let proxy = Proxy::to(&gateway.address).await;
    let worker = Running::start(&proxy.address.to_string(), "1", vec![scripted("a")]);
    until_known(&gateway, "a").await;
    let mut chat = Chat::create(&gateway, "a", "c1").await;
    let seq = chat.say("/count 600 2").await;
    for cut in 1..=5 {
        let words = counted(cut * 80).len();
        chat.read_until(|log| text(log).len() >= words).await;
        proxy.cut();
    }
    assert_eq!(chat.answer(seq).await, counted(600));
    let starts = chat.chunks().iter().filter(|chunk| chunk["type"] == "start").count();
    assert_eq!(starts, 1, "the turn was not begun again");
    worker.drain().await.expect("drained");
}

#[tokio::test]
async fn a_worker_that_does_not_come_back_loses_its_turns_to_another() {
    let (gateway, _dir) = gateway().await;
    let proxy = Proxy::to(&gateway.address).await;
    let first = Running::start(&proxy.address.to_string(), "1", vec![scripted("a")]);
    until_known(&gateway, "a").await;
    let mut chat = Chat::create(&gateway, "a", "c1").await;
    let seq = chat.say("/count 400 5").await;
    chat.read_until(|log| text(log).len() > 20).await;
    let second = Running::start(&gateway.address, "1", vec![scripted("a")]);
    first.kill();
    proxy.cut();
    let answer = chat.answer(seq).await;
    assert!(answer.ends_with("399 ") || has_error(&chat), "{answer}");
    assert_eq!(chat.ask("hello").await, "You said: hello");
    second.drain().await.expect("drained");
}

#[tokio::test]
async fn a_gateway_that_restarts_is_found_again() {
    let dir = tempfile::TempDir::new().expect("a temporary folder");
    let store = format!("disk:{}", dir.path().join("store").display());
    let agents = "[[agent]]\nid = \"demo\"\nbackend = \"demo\"\n";
    let mut gateway = tidegate_tests::process::Gateway::start(dir.path(), &store, agents).await;
    let worker = Running::start(&gateway.address, "1", vec![scripted("a")]);
    until_known(&gateway, "a").await;
    let mut chat = Chat::create(&gateway, "a", "c1").await;
    assert_eq!(chat.ask("one").await, "You said: one");
    gateway.kill();
    gateway.restart().await;
    // Known from the store, whether or not the worker is back yet (R-LNK-9).
    assert_eq!(chat.ask("two").await, "You said: two");
    worker.drain().await.expect("drained");
}

fn has_error(chat: &Chat) -> bool {
    chat.chunks().iter().any(|chunk| chunk["type"] == "error")
}

#[tokio::test]
async fn a_silent_worker_loses_its_link_and_its_turn() {
    let (gateway, _dir) = gateway().await;
    let mut raw = crate::raw::Raw::join(&gateway, "silent", &["a"]).await;
    let mut chat = Chat::create(&gateway, "a", "c1").await;
    let seq = chat.say("hello").await;
    let turn = raw.next_of("turn").await;
    assert_eq!(turn["attempt"], 1);
    let worker = Running::start(&gateway.address, "1", vec![scripted("a")]);
    // Nothing is sent any more; the lease passes.
    assert_eq!(raw.closed().await.0, 4002);
    assert_eq!(chat.answer(seq).await, "You said: hello");
    worker.drain().await.expect("drained");
}
