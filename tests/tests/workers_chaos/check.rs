//! What a user has read, against the rules and against what the gateway holds.

use std::collections::HashSet;

use serde_json::Value;
use tidegate_protocol::{Record, control};
use tidegate_tests::client::{Client, Failure};
use tidegate_tests::worker::ZOMBIE;
use tidegate_tests::worker::script::Word;

use crate::user::{chunk, floor, word};
use crate::worker::Mode;

/// Nothing is lost or twice (I1).
pub(crate) fn dense(name: &str, log: &[Record]) {
    let (Some(first), Some(last)) = (log.first(), log.last()) else { return };
    let seqs: Vec<u64> = log.iter().map(|record| record.seq_num).collect();
    let dense: Vec<u64> = (first.seq_num..=last.seq_num).collect();
    assert_eq!(seqs, dense, "{name}: a record is lost or came twice");
}

/// What a reader gets that begins at the `at`th record of `log` equals the rest of it (I1).
pub(crate) async fn resumed(
    client: &Client,
    name: &str,
    log: &[Record],
    at: usize,
) -> Result<(), Failure> {
    let rest = &log[at + 1..];
    let path = format!("/realtime/v1/sessions/{name}/out");
    let mut reader = client.follow(&path, Some(log[at].seq_num)).await?;
    let mut read = Vec::new();
    while read.len() < rest.len() {
        match reader.next().await? {
            Some(records) => read.extend(records),
            None => return Err("the stream has ended".into()),
        }
    }
    for (ours, theirs) in rest.iter().zip(&read) {
        assert_eq!(without_token(ours), without_token(theirs), "{name}: the log has changed");
    }
    Ok(())
}

/// Who wrote may not write again once somebody else has (I4), and every turn has one boundary,
/// behind an answer that is whole or an error that says so (I3, I7).
pub(crate) fn turns(name: &str, mode: Mode, log: &[Record]) {
    let mut gone = HashSet::new();
    let mut writer: Option<(String, u64)> = None;
    let mut floors = None;
    for turn in log.split_inclusive(control::is_boundary) {
        let words: Vec<Word> = turn.iter().filter_map(word).collect();
        let zombie = turn.iter().filter_map(chunk).find(|chunk| chunk["type"] == ZOMBIE);
        assert_eq!(zombie, None, "{name}: a zombie was heard");
        for word in &words {
            let now = (word.worker.clone(), word.answer);
            if writer.as_ref().is_some_and(|writer| *writer != now) {
                gone.extend(writer.take());
            }
            assert!(!gone.contains(&now), "{name}: {word:?} was written by a zombie");
            writer = Some(now);
        }
        let Some(boundary) = turn.last().filter(|record| control::is_boundary(record)) else {
            break;
        };
        let now = floor(boundary);
        assert!(now > floors, "{name}: {boundary:?} settles nothing beyond {floors:?}");
        floors = now;
        let failed = turn.iter().filter_map(chunk).any(|chunk| chunk["type"] == "error");
        whole(name, mode, turn, &words, failed);
    }
}

/// The last answer of the turn is whole; what came before it belongs to the dead.
fn whole(name: &str, mode: Mode, turn: &[Record], words: &[Word], failed: bool) {
    let finished = turn.iter().filter_map(chunk).any(|chunk| chunk["type"] == "finish");
    assert!(finished || failed, "{name}: a turn neither finished nor failed: {turn:?}");
    for answer in words.chunk_by(|a, b| (&a.worker, a.answer) == (&b.worker, b.answer)) {
        let places: Vec<u64> = answer.iter().map(|word| word.index).collect();
        let dense: Vec<u64> = (0..places.len() as u64).collect();
        assert_eq!(places, dense, "{name}: words are lost, or came twice: {turn:?}");
        assert!(answer.iter().all(|word| word.message == answer[0].message), "{name}: {turn:?}");
    }
    if mode == Mode::Turns {
        let answers: HashSet<_> = words.iter().map(|word| (&word.worker, word.answer)).collect();
        assert!(answers.len() <= 1, "{name}: two answers in one turn: {turn:?}");
    }
}

fn without_token(record: &Record) -> Record {
    let mut record = record.clone();
    record.headers.retain(|(name, _)| name != control::ACCESS_TOKEN);
    record
}

/// All items of a paged list.
pub(crate) async fn pages(client: &Client, path: &str, cursor: &str, seq: &str) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let after = all.last().and_then(|item| item[seq].as_u64());
        let query = after.map_or(String::new(), |after| format!("?{cursor}={after}"));
        let answer = client.get(&format!("{path}{query}")).await.expect("up").json();
        let lists = answer.as_object().expect("an object").values();
        let page = lists.filter_map(Value::as_array).next().expect("a list").clone();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}
