//! Every input has one fate (I2), and what it says is what the log shows (I3, I7).

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_protocol::{Record, control};
use tidegate_tests::worker::script::{Script, Word};

use crate::check::pages;
use crate::user::{User, chunk, floor, word};
use crate::worker::Mode;

/// An input as the gateway holds it.
struct Input {
    part: String,
    count: u64,
    fate: String,
}

/// See the module.
pub(crate) async fn check(user: &User) {
    let inputs = inputs(user).await;
    for (part, seq) in &user.acknowledged {
        let found = inputs.get(seq).map(|input| &input.part);
        assert_eq!(found, Some(part), "{}: lost input {part}", user.name);
    }
    assert_eq!(inputs.len(), user.acknowledged.len(), "{}: an input twice", user.name);
    let log = user.log();
    let log = log.lock().expect("nobody panics with it");
    // Each boundary takes the inputs between the last one's floor and its own.
    let mut before = None;
    let mut answered = None;
    let mut turns = 0;
    for turn in log.split_inclusive(control::is_boundary) {
        let Some(now) = turn.last().and_then(floor) else { continue };
        let from = before.map_or(0, |floor: u64| floor + 1);
        let covered: Vec<_> = inputs.range(from..=now).collect();
        assert_eq!(covered.len(), 1, "{}: one boundary for one turn: {turn:?}", user.name);
        let (seq, input) = covered[0];
        check_turn(user, turn, (*seq, input), answered);
        if input.fate == "answered" {
            answered = Some(*seq);
        }
        before = Some(now);
        turns += 1;
    }
    assert_eq!(turns, inputs.len(), "{}: a boundary for every input", user.name);
}

fn check_turn(user: &User, turn: &[Record], (seq, input): (u64, &Input), answered: Option<u64>) {
    let words: Vec<Word> = turn.iter().filter_map(word).collect();
    let name = &user.name;
    assert!(words.iter().all(|word| word.message == input.part), "{name}: {seq}: {turn:?}");
    let failed = turn.iter().filter_map(chunk).any(|chunk| chunk["type"] == "error");
    match &*input.fate {
        "answered" => {}
        "rejected" => assert!(failed, "{name}: input {seq} was rejected in silence: {turn:?}"),
        fate => panic!("{name}: input {seq} is {fate}"),
    }
    if failed {
        return;
    }
    let last = words.last().expect("an answer has words");
    assert_eq!(last.index + 1, input.count, "{name}: {seq}: the answer is not whole: {turn:?}");
    // The history outlives the process that wrote it.
    if user.mode == Mode::Runs {
        assert!(last.after >= answered, "{name}: {seq}: {answered:?} was forgotten: {turn:?}");
    }
}

async fn inputs(user: &User) -> BTreeMap<u64, Input> {
    let records = pages(&user.client, &user.path("in/records"), "afterEventId", "seqNum").await;
    let path = format!("/v1/sessions/{}/inputs", user.name);
    let fates = pages(&user.client, &path, "after", "seq").await;
    assert_eq!(fates.len(), records.len(), "{}: a fate for every input", user.name);
    let mut inputs = BTreeMap::new();
    for (record, fate) in records.iter().zip(&fates) {
        let seq = record["seqNum"].as_u64().expect("a seq");
        assert_eq!(fate["seq"], record["seqNum"]);
        let part = record["id"].as_str().expect("a part id").to_owned();
        let fate = fate["fate"].as_str().unwrap_or("owed").to_owned();
        inputs.insert(seq, Input { part, count: count(record), fate });
    }
    inputs
}

fn count(record: &Value) -> u64 {
    let data = &record["data"];
    let data: Value = match data.as_str() {
        Some(text) => serde_json::from_str(text).expect("what was appended is JSON"),
        None => data.clone(),
    };
    let text = data["payload"]["message"]["parts"][0]["text"].as_str();
    text.and_then(Script::parse).expect("users speak in scripts").count()
}
