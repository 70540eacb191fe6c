//! I1 over answers that were recorded: for every cursor, on both stores, also after the store was
//! opened again, what was read before the cursor and what a resume reads is the log.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tidegate_core::seams::store::{Append, Commit, Op, Writer};
use tidegate_protocol::ids::{Channel, SessionKey};
use tidegate_protocol::{NewRecord, Record, control};

use crate::chat::{Chat, chunks, floor, text, without_token};
use crate::harness::Gate;
use crate::plan::Plan;

/// Resumes at once.
const AT_ONCE: usize = 16;
/// What is asked of the demo agent, beside approvals, tool results, stops and actions.
const QUESTIONS: [&str; 14] = [
    "hello \u{2028} \"ä\" 🎈",
    "/reason why",
    "/steps 3",
    "/tool Delft",
    "/tool-error",
    "/data",
    "/source",
    "/file",
    "/message-metadata",
    "/error no",
    "/fail oops",
    "/abort",
    "/broken",
    "/cut",
];

#[tokio::test]
async fn i1_recorded_answers_in_memory() {
    let gate = Gate::of(&Plan::default()).await;
    let log = record(&gate).await;
    resumes_are_the_log(&gate, "c", &log).await;
    let logs = split(&gate, &log).await;
    for (name, log) in &logs {
        resumes_are_the_log(&gate, name, log).await;
    }
}

#[tokio::test]
async fn i1_recorded_answers_on_disk() {
    let (plan, _folder) = Plan::on_disk();
    let gate = Gate::of(&plan).await;
    let mut logs = vec![("c".to_owned(), record(&gate).await)];
    logs.extend(split(&gate, &logs[0].1).await);
    for (name, log) in &logs {
        resumes_are_the_log(&gate, name, log).await;
    }
    gate.end().await;
    let gate = Gate::of(&plan).await;
    for (name, log) in &logs {
        resumes_are_the_log(&gate, name, log).await;
    }
}

/// The log of a chat of many turns, as a reader saw it live.
async fn record(gate: &Gate) -> Vec<Record> {
    let mut chat = Chat::new(gate, "c").await;
    let mut log = Vec::new();
    for (index, question) in QUESTIONS.iter().enumerate() {
        let seq = chat.say(&format!("u{index}"), question).await;
        log.extend(chat.answer_to(seq).await);
    }
    let seq = chat.say("approval", "/approve tea").await;
    log.extend(chat.answer_to(seq).await);
    let seq = answer_call(&chat, json!({"state": "approval-responded"})).await;
    log.extend(chat.answer_to(seq).await);
    let seq = chat.say("client", "/client").await;
    log.extend(chat.answer_to(seq).await);
    let seq = answer_call(&chat, json!({"state": "output-available", "output": [1]})).await;
    log.extend(chat.answer_to(seq).await);
    chat.say("stopped", "/hang").await;
    log.extend(chat.until(|record| !text(std::slice::from_ref(record)).is_empty()).await);
    let seq = chat.append(r#"{"kind":"stop"}"#).await;
    log.extend(chat.answer_to(seq).await);
    let action = json!({"trigger": "action", "action": {"type": "say", "text": "acted"}});
    let seq = chat.payload(action).await;
    log.extend(chat.answer_to(seq).await);
    let seq = chat.say("last", "once").await;
    log.extend(chat.answer_to(seq).await);
    let seq = chat.payload(json!({"trigger": "regenerate-message"})).await;
    log.extend(chat.answer_to(seq).await);
    for new in [control::keep_alive(), large(), control::session_closed(None)] {
        commit(gate, "c", vec![new]).await;
    }
    log.extend(chat.until(|r| control::kind(r) == Some(control::SESSION_CLOSED)).await);
    let log: Vec<_> = log.into_iter().map(without_token).collect();
    assert_eq!(log.iter().filter_map(floor).count(), QUESTIONS.len() + 8, "turns");
    assert!(chunks(&log).iter().any(|chunk| chunk["type"] == "tool-approval-request"));
    log
}

fn large() -> NewRecord {
    let chunk = json!({"type": "data-large", "data": "x\u{0}\"".repeat(500)});
    NewRecord::data(chunk.to_string().as_bytes(), "large")
}

/// Answers the call that the last message asks for.
async fn answer_call(chat: &Chat, with: Value) -> u64 {
    let last = chat.transcript().await.pop().expect("a message");
    let parts = last["parts"].as_array().expect("parts");
    let call = parts.iter().rfind(|part| part["toolCallId"].is_string()).expect("a call");
    let mut part = json!({"type": call["type"], "toolCallId": call["toolCallId"]});
    part.as_object_mut().expect("an object").extend(with.as_object().expect("one").clone());
    if call["approval"].is_object() {
        part["approval"] = json!({"id": call["approval"]["id"], "approved": true});
    }
    let message = json!({"id": last["id"], "role": "assistant", "parts": [part]});
    chat.payload(json!({"trigger": "submit-message", "message": message})).await
}

/// A sample of `log` in sessions of their own, written in batches of every size.
async fn split(gate: &Gate, log: &[Record]) -> Vec<(String, Vec<Record>)> {
    let step = log.len().div_ceil(24);
    let sample: Vec<NewRecord> = log.iter().step_by(step).map(again).collect();
    let mut logs = Vec::new();
    for size in 1..=sample.len() {
        let name = format!("split-{size}");
        gate.create(&name).await;
        for batch in sample.chunks(size) {
            commit(gate, &name, batch.to_vec()).await;
        }
        let log = read(gate, &name, None, sample.len(), true).await;
        for (seq, (new, record)) in sample.iter().zip(&log).enumerate() {
            let expected = new.clone().at(seq as u64, record.timestamp);
            assert_eq!(*record, expected, "{name}");
        }
        logs.push((name, log));
    }
    logs
}

fn again(record: &Record) -> NewRecord {
    NewRecord { headers: record.headers.clone(), body: record.body.clone() }
}

async fn commit(gate: &Gate, name: &str, records: Vec<NewRecord>) {
    let writer = Writer::Gateway { bump: false };
    let append = Append { channel: Channel::OUT, writer, frame_key: None, records, owed: false };
    let commit = Commit { session: SessionKey::new("dev", name), ops: vec![Op::Append(append)] };
    gate.gateway.store().commit(commit).await.expect("committed");
}

/// `count` records after `cursor`, for a reader with or without the right to write.
async fn read(
    gate: &Gate,
    name: &str,
    cursor: Option<u64>,
    count: usize,
    writes: bool,
) -> Vec<Record> {
    let (reads, write) = (format!("read:sessions:{name}"), format!("write:sessions:{name}"));
    let scopes = [reads.as_str(), write.as_str()];
    let client = gate.as_bearer(&gate.token(&scopes[..1 + usize::from(writes)]));
    let cursor = cursor.map(|seq| seq.to_string());
    let headers: Vec<_> = cursor.iter().map(|seq| ("last-event-id", seq.as_str())).collect();
    let path = format!("/realtime/v1/sessions/{name}/out");
    client.read(&path, &headers).await.take(count).await.into_iter().map(without_token).collect()
}

async fn resumes_are_the_log(gate: &Gate, name: &str, log: &[Record]) {
    assert!(log.iter().enumerate().all(|(at, record)| record.seq_num == at as u64), "{name}");
    let cursors: Vec<usize> = (0..log.len() - 1).collect();
    for some in cursors.chunks(AT_ONCE) {
        let resumes = some.iter().map(|k| {
            let rest = log.len() - 1 - k;
            read(gate, name, Some(*k as u64), rest, k % 2 == 0)
        });
        for (k, rest) in some.iter().zip(join_all(resumes).await) {
            assert_eq!(rest, log[k + 1..], "{name} after {k}");
        }
    }
    // Without a cursor, from the latest turn on.
    let turn = read(gate, name, None, 1, false).await[0].seq_num as usize;
    assert_eq!(read(gate, name, None, log.len() - turn, false).await, log[turn..], "{name}");
}
