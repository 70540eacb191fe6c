//! Sessions of the demo agent, and reads that can be taken up again.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_protocol::record::Envelope;
use tidegate_protocol::{Record, control};
use tidegate_tests::client::{Client, Failure};
use tidegate_tests::process::Gateway;

const DEMO: &str = "[[agent]]\nid = \"demo\"\nbackend = \"demo\"\nwords_per_second = 0\n";

/// A gateway with a demo agent, of which anybody may register more.
pub(crate) async fn gateway(dir: &Path, store: &str, drain: &str) -> Gateway {
    Gateway::start(dir, store, &format!("{DEMO}[drain]\n{drain}\n")).await
}

/// The body that creates the session `name` with a first message.
pub(crate) fn asking(agent: &str, name: &str, text: &str) -> String {
    let message = json!({"id": "u1", "role": "user", "parts": [{"type": "text", "text": text}]});
    let base = json!({"chatId": name, "trigger": "submit-message", "message": message});
    json!({"type": "chat.agent", "externalId": name, "taskIdentifier": agent,
        "triggerConfig": {"basePayload": base}})
    .to_string()
}

pub(crate) async fn ask(client: &Client, agent: &str, name: &str, text: &str) {
    let body = asking(agent, name, text);
    let answer = client.post("/api/v1/sessions", &[], &body).await.expect("it is up");
    assert_eq!(answer.status, 201);
}

/// Reads `.out` of `name` on behind `log`, until `done` (true) or a clean end (false).
pub(crate) async fn follow(
    client: &Client,
    name: &str,
    log: &mut Vec<Record>,
    mut done: impl FnMut(&[Record]) -> bool,
) -> Result<bool, Failure> {
    let path = format!("/realtime/v1/sessions/{name}/out");
    let cursor = log.last().map(|record| record.seq_num);
    let mut reader = client.follow(&path, cursor).await?;
    while !done(log) {
        match reader.next().await? {
            Some(records) => log.extend(records.into_iter().map(without_token)),
            None => return Ok(false),
        }
    }
    Ok(true)
}

/// Tokens are made for each delivery; everything else is the log's.
fn without_token(mut record: Record) -> Record {
    record.headers.retain(|(name, _)| name != "public-access-token");
    record
}

/// Does the log end with a turn's end?
pub(crate) fn ended(log: &[Record]) -> bool {
    log.last().is_some_and(control::is_boundary)
}

/// The text of the answers in it.
pub(crate) fn text(log: &[Record]) -> String {
    let chunks = log.iter().filter_map(Envelope::of);
    let chunks = chunks.map(|e| serde_json::from_str::<Value>(e.data.0.get()).expect("JSON"));
    chunks.filter_map(|chunk| chunk["delta"].as_str().map(str::to_owned)).collect()
}

/// Waits until a count that somebody else moves is high enough.
pub(crate) async fn until(count: &AtomicUsize, least: usize) {
    while count.load(SeqCst) < least {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
