//! Readers of a gateway that drains: each is sent away once, at a moment of its own, and misses
//! nothing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use serde_json::json;
use tidegate_protocol::Record;
use tidegate_tests::client::Client;
use tidegate_tests::process::Gateway;

use crate::chat::{ask, ended, follow, gateway, text, until};
use crate::wire::Http1;

const READERS: usize = 24;
const WORDS: usize = 400;

fn boundaries(log: &[Record]) -> usize {
    log.iter().filter(|record| tidegate_protocol::control::is_boundary(record)).count()
}

/// What a reader has been through.
struct Seen {
    log: Vec<Record>,
    /// Clean ends of its reads.
    sent_away: usize,
    /// How far the running turn was when it was sent away first.
    moment: usize,
}

/// Reads `idle` until it has seen two turns, over whatever comes.
async fn read_on(client: Client, progress: Arc<AtomicUsize>, ready: Arc<AtomicUsize>) -> Seen {
    let mut seen = Seen { log: Vec::new(), sent_away: 0, moment: 0 };
    let mut counted = false;
    loop {
        let done = |log: &[Record]| {
            if !std::mem::replace(&mut counted, ended(log)) && ended(log) {
                ready.fetch_add(1, SeqCst);
            }
            boundaries(log) == 2
        };
        match follow(&client, "idle", &mut seen.log, done).await {
            Ok(true) => return seen,
            Ok(false) => {
                seen.sent_away += 1;
                seen.moment = progress.load(SeqCst);
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

/// R-DRN-3, R-DRN-4, R-DRN-7, I1. The measure of time is the turn that runs meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_leave_one_by_one_and_the_turns_own_readers_stay() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = format!("disk:{}", dir.path().join("data").display());
    let drain = "timeout = \"60s\"\ndelay = \"0s\"\nspread = \"1500ms\"";
    let mut gateway = gateway(dir.path(), &store, drain).await;
    let client = gateway.client();
    ask(&client, "demo", "idle", "hello").await;
    let (progress, ready) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let readers: Vec<_> = (0..READERS)
        .map(|_| tokio::spawn(read_on(client.clone(), Arc::clone(&progress), Arc::clone(&ready))))
        .collect();
    until(&ready, READERS).await;
    ask(&client, "demo", "busy", &format!("/words {WORDS} 5")).await;
    let (witness, count) = (client.clone(), Arc::clone(&progress));
    let witness = tokio::spawn(async move {
        let mut log = Vec::new();
        let done = |log: &[Record]| {
            count.store(log.len(), SeqCst);
            ended(log)
        };
        let whole = follow(&witness, "busy", &mut log, done).await;
        (whole.expect("never cut"), log)
    });
    until(&progress, 5).await;
    gateway.signal("-TERM");
    let (whole, log) = witness.await.expect("it read");
    assert!(whole, "its reader was sent away in the middle of the turn");
    assert_eq!(text(&log).matches("word-").count(), WORDS);
    assert_eq!(gateway.ended().await.code(), Some(0));
    gateway.restart().await;
    say_more(&gateway).await;
    let (mut moments, mut reference) = (BTreeSet::new(), None);
    for reader in readers {
        let seen = reader.await.expect("it read");
        let seqs = seen.log.iter().map(|record| record.seq_num);
        assert!(seqs.eq(0..seen.log.len() as u64), "{:?}", seen.log);
        assert_eq!(seen.log, *reference.get_or_insert_with(|| seen.log.clone()));
        assert_eq!(seen.sent_away, 1);
        moments.insert(seen.moment);
    }
    assert!(moments.len() >= 6, "they left all at once: {moments:?}");
}

async fn say_more(gateway: &Gateway) {
    let message = json!({"id": "u2", "role": "user", "parts": [{"type": "text", "text": "on"}]});
    let payload = json!({"trigger": "submit-message", "message": message});
    let body = json!({"kind": "message", "payload": payload}).to_string();
    let path = "/realtime/v1/sessions/idle/in/append";
    let answer = gateway.client().post(path, &[], &body).await.expect("up");
    assert_eq!(answer.status, 200);
}

/// R-DRN-3: whole events, then `retry`, then the usual end.
#[tokio::test]
async fn the_last_words_of_a_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let drain = "timeout = \"20s\"\ndelay = \"0s\"\nspread = \"0s\"";
    let mut gateway = gateway(dir.path(), "memory:", drain).await;
    ask(&gateway.client(), "demo", "c", "hello").await;
    let mut log = Vec::new();
    assert!(follow(&gateway.client(), "c", &mut log, ended).await.expect("up"));
    let mut read = Http1::connect(&gateway.address).await.expect("up");
    read.begin("GET", "/realtime/v1/sessions/c/out", 0, "").await;
    assert!(read.head().await.starts_with("http/1.1 200"));
    gateway.signal("-TERM");
    let rest = read.rest().await;
    assert!(rest.contains("turn-complete"), "{rest}");
    let last = rest.find("retry: 100\n\ndata: [DONE]\n\n").expect("its last words");
    assert!(rest[..last].ends_with("\n\n") || rest[..last].ends_with("\r\n"), "{rest}");
    assert_eq!(gateway.ended().await.code(), Some(0));
}

/// R-DRN-4, R-DRN-7: a turn that hangs holds nobody for ever.
#[tokio::test]
async fn a_turn_that_hangs_is_not_waited_for_for_ever() {
    let dir = tempfile::tempdir().expect("a folder");
    let drain = "timeout = \"800ms\"\ndelay = \"0s\"\nspread = \"0s\"";
    let mut gateway = gateway(dir.path(), "memory:", drain).await;
    let client = gateway.client();
    ask(&client, "demo", "c", "/hang").await;
    let progress = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&progress);
    let reader = tokio::spawn(async move {
        let mut log = Vec::new();
        let done = |log: &[Record]| {
            count.store(log.len(), SeqCst);
            ended(log)
        };
        follow(&client, "c", &mut log, done).await.expect("a clean end")
    });
    until(&progress, 4).await;
    gateway.signal("-TERM");
    assert!(!reader.await.expect("it read"), "there is no boundary");
    assert_eq!(gateway.ended().await.code(), Some(0));
}
