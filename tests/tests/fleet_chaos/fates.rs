//! Every input has one fate (I2), and what it says is what the log shows (I3, I5, I7).

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tidegate_protocol::{Record, control};
use tokio::time::{sleep, timeout};

use crate::log::{floor, has, word};
use crate::session::{Input, PATIENCE, Session};

/// An input as the gateway holds it.
struct Held {
    part: String,
    fate: String,
}

/// The inputs of a session against its log, none of which was lost.
pub(crate) async fn check(session: &Session, log: &[Record]) {
    let name = &session.name;
    let held = settled(session).await;
    for input in &session.inputs {
        let found = held.get(&input.seq).map(|held| &held.part);
        assert_eq!(found, Some(&input.part), "{name}: lost input {input:?}");
    }
    assert_eq!(held.len(), session.inputs.len(), "{name}: an input twice");
    let inputs: BTreeMap<u64, &Input> =
        session.inputs.iter().map(|input| (input.seq, input)).collect();
    let mut from = 0;
    let mut turns = 0;
    for turn in log.split_inclusive(control::is_boundary) {
        let Some(now) = turn.last().and_then(floor) else { continue };
        let covered: Vec<&Input> = inputs.range(from..=now).map(|(_, input)| *input).collect();
        let mut messages = covered.iter().filter(|input| input.words.is_some());
        let (message, more) = (messages.next(), messages.next());
        assert!(more.is_none(), "{name}: one boundary for two turns: {covered:?}: {turn:?}");
        assert!(!covered.is_empty(), "{name}: two boundaries for one turn: {turn:?}");
        if let Some(message) = message {
            let next = inputs.range(message.seq + 1..).find(|(_, input)| input.words.is_some());
            let stops = match next {
                Some((next, _)) => inputs.range(message.seq + 1..*next).count(),
                None => inputs.range(message.seq + 1..).count(),
            };
            let fate = &held[&message.seq].fate;
            check_turn(session, turn, message, fate, stops > 0);
            turns += 1;
        }
        from = now + 1;
    }
    let messages = session.inputs.iter().filter(|input| input.words.is_some()).count();
    assert_eq!(turns, messages, "{name}: a boundary for every message");
    session.report.count("answers and ends of turns", turns);
}

fn check_turn(session: &Session, turn: &[Record], input: &Input, fate: &str, stopped: bool) {
    let name = &session.name;
    let words: Vec<_> = turn.iter().filter_map(word).collect();
    let is_its_own = |message: &Option<String>| message.as_ref().is_none_or(|m| *m == input.part);
    assert!(words.iter().all(|word| is_its_own(&word.message)), "{name}: {input:?}: {turn:?}");
    let failed = has(turn, "error");
    match fate {
        "answered" => {}
        "rejected" => assert!(failed, "{name}: {input:?} was rejected in silence: {turn:?}"),
        fate => panic!("{name}: {input:?} is {fate}"),
    }
    let aborted = has(turn, "abort");
    assert!(stopped || !aborted, "{name}: nobody stopped {input:?}: {turn:?}");
    if failed {
        session.report.count("turns that ended in a visible error", 1);
    } else if !stopped {
        let last = words.last().unwrap_or_else(|| panic!("{name}: {input:?}: {turn:?}"));
        assert_eq!(Some(last.index + 1), input.words, "{name}: {input:?} is cut: {turn:?}");
    }
}

/// All inputs, once each of them has a fate.
async fn settled(session: &Session) -> BTreeMap<u64, Held> {
    let waiting = async {
        loop {
            let held = inputs(session).await;
            if held.values().all(|held| held.fate != "owed") {
                return held;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    match timeout(PATIENCE, waiting).await {
        Ok(settled) => settled,
        Err(_) => {
            let mut owed = inputs(session).await;
            owed.retain(|_, held| held.fate == "owed");
            let owed: Vec<_> = owed.iter().map(|(seq, held)| (seq, &held.part)).collect();
            panic!("{owed:?} stay owed: {}", session.story().await);
        }
    }
}

async fn inputs(session: &Session) -> BTreeMap<u64, Held> {
    let records = pages(session, &session.path("in/records"), "afterEventId", "seqNum").await;
    let mut inputs = BTreeMap::new();
    let is_close = |record: &&Value| record["headers"][0][0] == control::CLOSE;
    for record in records.iter().filter(|record| !is_close(record)) {
        let seq = record["seqNum"].as_u64().expect("a seq");
        let part = record["id"].as_str().expect("a part id").to_owned();
        inputs.insert(seq, Held { part, fate: fate(session, seq).await });
    }
    inputs
}

async fn fate(session: &Session, seq: u64) -> String {
    let after = seq.checked_sub(1).map_or(String::new(), |before| format!("&after={before}"));
    let path = format!("/v1/sessions/{}/inputs?limit=1{after}", session.name);
    let answer = get(session, &path).await;
    let shown = &answer["inputs"][0];
    assert_eq!(shown["seq"], seq, "{}: {answer}", session.name);
    shown["fate"].as_str().unwrap_or("owed").to_owned()
}

/// Part ids of what `.in` holds, by seq, and how many of them are owed still. A failover that takes
/// back an answer that readers have seen leaves its input owed until the session is restored.
pub(crate) async fn parts(session: &Session) -> (BTreeMap<u64, String>, usize) {
    let inputs = inputs(session).await;
    let owed = inputs.values().filter(|held| held.fate == "owed").count();
    (inputs.into_iter().map(|(seq, held)| (seq, held.part)).collect(), owed)
}

/// All items of a paged list.
pub(crate) async fn pages(session: &Session, path: &str, cursor: &str, seq: &str) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let after = all.last().and_then(|item| item[seq].as_u64());
        let query = after.map_or(String::new(), |after| format!("?{cursor}={after}"));
        let answer = get(session, &format!("{path}{query}")).await;
        let lists = answer.as_object().expect("an object").values();
        let page = lists.filter_map(Value::as_array).next();
        let page = page.unwrap_or_else(|| panic!("{path}: {answer}")).clone();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// Asks until somebody answers.
async fn get(session: &Session, path: &str) -> Value {
    loop {
        let answer = timeout(Duration::from_secs(5), session.client.get(path)).await;
        match answer {
            Ok(Ok(answer)) if answer.status < 500 => return answer.json(),
            _ => sleep(Duration::from_millis(50)).await,
        }
    }
}
