//! What time does to a turn. Time is the runtime's and stands still while anything else can run,
//! so that an hour passes at once and nothing is measured.

use std::sync::Arc;

use serde_json::json;
use tidegate_core::seams::Clock;
use tidegate_core::turns::TurnLimits;
use tidegate_protocol::limits::TURN_KEEP_ALIVE_MS;
use tidegate_protocol::{Record, control};
use tokio::time::Instant;

use crate::harness::{Chat, chunks, floor, gateway_at, text};

#[derive(Debug)]
struct Paused(Instant);

impl Clock for Paused {
    fn unix_millis(&self) -> u64 {
        const BEGAN: u64 = 1_700_000_000_000;
        BEGAN + u64::try_from(self.0.elapsed().as_millis()).expect("no such age")
    }
}

async fn chat() -> Chat {
    let clock = Arc::new(Paused(Instant::now()));
    let chat = Chat::of(gateway_at("memory:", 1, clock).await, "c");
    chat.create(json!({"trigger": "preload"})).await.expect("created");
    chat
}

fn keep_alives(records: &[Record]) -> Vec<&Record> {
    records.iter().filter(|r| control::kind(r) == Some(control::KEEP_ALIVE)).collect()
}

fn error(records: &[Record]) -> String {
    let mut errors = chunks(records).into_iter().filter(|chunk| chunk["type"] == "error");
    let error = errors.next().expect("an error");
    assert_eq!(errors.next(), None);
    assert_eq!(records.iter().filter(|record| control::is_boundary(record)).count(), 1);
    error["errorText"].as_str().expect("text").to_owned()
}

#[tokio::test(start_paused = true)]
async fn trap_05_a_silent_turn_is_kept_alive_and_ends_at_its_idle_limit() {
    for question in ["/hang", "/hang-first"] {
        let chat = chat().await;
        let seq = chat.say("u1", question).await;
        let records = chat.answer_to(seq).await;
        let kept = keep_alives(&records);
        let limit = TurnLimits::default().idle_ms;
        assert_eq!(kept.len() as u64, (limit - 1) / TURN_KEEP_ALIVE_MS, "{question}");
        for pair in kept.windows(2) {
            assert_eq!(pair[1].timestamp - pair[0].timestamp, TURN_KEEP_ALIVE_MS);
            assert!(pair[0].body.is_empty());
        }
        let shown = error(&records);
        assert!(shown.contains("\"demo\"") && shown.contains("600 s"), "{shown}");
        let next = chat.say("u2", "well again").await;
        assert!(text(&chat.answer_to(next).await).contains("well again"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_without_end_ends_at_its_total_limit() {
    let chat = chat().await;
    let seq = chat.say("u1", "/words 100000 50000").await;
    let records = chat.answer_to(seq).await;
    let shown = error(&records);
    assert!(shown.contains("\"demo\"") && shown.contains("3600 s"), "{shown}");
    assert!(!keep_alives(&records).is_empty(), "50 s between words are too long for clients");
    let (first, last) = (&records[0], records.last().expect("a boundary"));
    let total = TurnLimits::default().total_ms;
    assert!(last.timestamp - first.timestamp <= total);
    assert_eq!(floor(last), Some(seq));
    let next = chat.say("u2", "well again").await;
    assert!(text(&chat.answer_to(next).await).contains("well again"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_alive_between_turns() {
    let chat = chat().await;
    let seq = chat.say("u1", "one").await;
    chat.answer_to(seq).await;
    tokio::time::sleep(std::time::Duration::from_secs(24 * 3_600)).await;
    let seq = chat.say("u2", "two").await;
    let records = chat.read(Some(0), |record| floor(record) == Some(seq)).await;
    assert!(keep_alives(&records).is_empty());
    let mut seqs = records.iter().map(|record| record.seq_num);
    assert!((1..).zip(&mut seqs).all(|(expected, seq)| expected == seq));
}

#[tokio::test(start_paused = true)]
async fn i7_a_backend_that_is_down_is_tried_within_a_budget() {
    let chat = chat().await;
    let seq = chat.say("u1", "/fail-first").await;
    let records = chat.answer_to(seq).await;
    assert!(error(&records).contains("demo"), "{records:?}");
    let counted = chat.gateway.metrics().counters();
    let count = |name: &str| counted.iter().find(|(n, _)| *n == name).expect("a counter").1;
    assert_eq!((count("turns_retried"), count("turns_failed")), (2, 1));
    assert_eq!((count("turns_started"), count("turns_completed")), (1, 1));
    // A stop ends the wait between two tries.
    let seq = chat.say("u2", "/fail-first").await;
    let stop = chat.stop_from_browser().await;
    let records = chat.read(records.last().map(|r| r.seq_num), |r| floor(r) >= Some(seq)).await;
    assert_eq!((stop, records.len()), (seq + 1, 1), "{records:?}");
}
