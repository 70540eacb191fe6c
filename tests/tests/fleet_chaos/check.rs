//! A log against the rules, whoever read it.

use std::collections::HashSet;

use tidegate_protocol::{Record, control};
use tidegate_tests::worker::ZOMBIE;

use crate::log::{Agent, Said, chunk, floor, has, is_jump, word};

/// Nothing is lost or twice but by a gap that readers can tell (I1).
pub(crate) fn dense(name: &str, log: &[Record]) {
    for pair in log.windows(2) {
        let (before, after) = (pair[0].seq_num, pair[1].seq_num);
        let follows = after == before + 1 || is_jump(before, after);
        assert!(follows, "{name}: {after} comes after {before}: {pair:?}");
    }
}

/// Who wrote may not write again once somebody else has (I4), and every turn has one boundary,
/// behind an answer that is whole or an error that says so (I3, I7).
pub(crate) fn turns(name: &str, agent: Agent, log: &[Record]) {
    let mut gone = HashSet::new();
    let mut writer: Option<(String, u64)> = None;
    let mut floors = None;
    for turn in log.split_inclusive(control::is_boundary) {
        let words: Vec<Said> = turn.iter().filter_map(word).collect();
        let zombie = turn.iter().filter_map(chunk).find(|chunk| chunk["type"] == ZOMBIE);
        assert_eq!(zombie, None, "{name}: a zombie was heard");
        for now in words.iter().filter_map(|word| word.writer.as_ref()) {
            if writer.as_ref().is_some_and(|writer| writer != now) {
                gone.extend(writer.take());
            }
            assert!(!gone.contains(now), "{name}: {now:?} wrote as a zombie: {turn:?}");
            writer = Some(now.clone());
        }
        let Some(boundary) = turn.last().filter(|record| control::is_boundary(record)) else {
            break;
        };
        let now = floor(boundary);
        assert!(now > floors, "{name}: {boundary:?} settles nothing beyond {floors:?}");
        floors = now;
        whole(name, agent, turn, &words);
    }
}

/// The last answer of the turn is whole; what came before it belongs to the dead.
fn whole(name: &str, agent: Agent, turn: &[Record], words: &[Said]) {
    let answers: Vec<_> = words.chunk_by(|a, b| a.writer == b.writer && b.index != 0).collect();
    for answer in &answers {
        let places: Vec<u64> = answer.iter().map(|word| word.index).collect();
        let dense: Vec<u64> = (0..places.len() as u64).collect();
        assert_eq!(places, dense, "{name}: words are lost, or came twice: {turn:?}");
        assert!(answer.iter().all(|word| word.message == answer[0].message), "{name}: {turn:?}");
    }
    if agent != Agent::Runs {
        assert!(answers.len() <= 1, "{name}: two answers in one turn: {turn:?}");
        let finishes = turn.iter().filter_map(chunk).filter(|chunk| chunk["type"] == "finish");
        assert!(finishes.count() <= 1, "{name}: finished twice: {turn:?}");
    }
    if !words.is_empty() {
        let ended = ["finish", "error", "abort"].iter().any(|kind| has(turn, kind));
        assert!(ended, "{name}: a turn neither finished nor failed: {turn:?}");
    }
}
