//! SIGTERM under the real binary while answers run and clients read: it exits with 0, and readers
//! that resume see every answer once, with one boundary (I1, I3).

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidegate_protocol::record::Envelope;
use tidegate_protocol::{Record, control};
use tidegate_tests::client::{Client, Failure};
use tidegate_tests::process::Gateway;

const AGENTS: &str = "[[agent]]\nid = \"demo\"\nbackend = \"demo\"\nwords_per_second = 0\n";
/// Turns that end are waited for, turns that hang are not.
const DRAIN: &str = "[drain]\ntimeout = \"2s\"\n";

struct Chat {
    client: Client,
    name: String,
    log: Vec<Record>,
}

impl Chat {
    async fn ask(gateway: &Gateway, name: &str, text: &str) -> Self {
        let client = gateway.client();
        let message =
            json!({"id": "u1", "role": "user", "parts": [{"type": "text", "text": text}]});
        let base = json!({"chatId": name, "trigger": "submit-message", "message": message});
        let body = json!({"type": "chat.agent", "externalId": name, "taskIdentifier": "demo",
            "triggerConfig": {"basePayload": base}});
        let answer = client.post("/api/v1/sessions", &[], &body.to_string()).await.expect("up");
        assert_eq!(answer.status, 201);
        Self { client, name: name.to_owned(), log: Vec::new() }
    }

    /// Reads on until `done`, or until the gateway ends the read.
    async fn read(&mut self, done: impl Fn(&[Record]) -> bool) -> Result<bool, Failure> {
        let path = format!("/realtime/v1/sessions/{}/out", self.name);
        let cursor = self.log.last().map(|record| record.seq_num);
        let mut reader = self.client.follow(&path, cursor).await?;
        while !done(&self.log) {
            match reader.next().await? {
                Some(records) => self.log.extend(records),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    fn text(&self) -> String {
        let chunks = self.log.iter().filter_map(Envelope::of);
        let chunks = chunks.map(|e| serde_json::from_str::<Value>(e.data.0.get()).expect("JSON"));
        chunks.filter_map(|chunk| chunk["delta"].as_str().map(str::to_owned)).collect()
    }

    fn types(&self, kind: &str) -> usize {
        let chunks = self.log.iter().filter_map(Envelope::of);
        let chunks = chunks.map(|e| serde_json::from_str::<Value>(e.data.0.get()).expect("JSON"));
        chunks.filter(|chunk| chunk["type"] == kind).count()
    }
}

fn ended(log: &[Record]) -> bool {
    log.last().is_some_and(control::is_boundary)
}

fn said_something(log: &[Record]) -> bool {
    log.len() > 3
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_resume_over_a_drain_and_see_every_answer_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = format!("disk:{}", folder.path().join("data").display());
    let mut gateway = Gateway::start(folder.path(), &store, &format!("{AGENTS}{DRAIN}")).await;
    let mut chats = Vec::new();
    // One that ends within the drain, one that does not, one of which nothing is visible yet.
    for (name, text) in [("ends", "/words 60 5"), ("hangs", "/hang"), ("unseen", "/wait 2500 on")] {
        let mut chat = Chat::ask(&gateway, name, text).await;
        if name != "unseen" {
            assert!(chat.read(said_something).await.expect("up"), "{name}");
        }
        chats.push(chat);
    }
    let readers: Vec<_> = chats
        .into_iter()
        .map(|mut chat| {
            tokio::spawn(async move {
                // Until the gateway goes, and then until it is back.
                while !matches!(chat.read(ended).await, Ok(true)) {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
                chat
            })
        })
        .collect();
    let status = tokio::task::block_in_place(|| gateway.terminate());
    assert_eq!(status.code(), Some(0));
    gateway.restart().await;
    let mut seen = BTreeMap::new();
    for reader in readers {
        let chat = reader.await.expect("it read");
        let seqs: Vec<u64> = chat.log.iter().map(|record| record.seq_num).collect();
        assert_eq!(seqs, (0..seqs.len() as u64).collect::<Vec<_>>(), "{}", chat.name);
        let boundaries = chat.log.iter().filter(|record| control::is_boundary(record)).count();
        assert_eq!((boundaries, chat.types("start")), (1, 1), "{}: {:?}", chat.name, chat.log);
        assert_eq!(chat.types("text-start"), chat.types("text-end"), "{}", chat.name);
        seen.insert(chat.name.clone(), (chat.text(), chat.types("error")));
    }
    let (whole, errors) = &seen["ends"];
    assert_eq!((whole.matches("word-").count(), *errors), (60, 0), "{whole}");
    let (cut, errors) = &seen["hangs"];
    assert_eq!((cut.matches("Still here").count(), *errors), (1, 1), "{cut}");
    let (again, errors) = &seen["unseen"];
    assert_eq!((again.matches("worth the wait").count(), *errors), (1, 0), "{again}");
}

/// R-CLS-5, I1: the sweep at a start deletes it, and a session of its name never reuses a seq.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_session_is_deleted_and_its_seqs_are_not_used_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = format!("disk:{}", folder.path().join("data").display());
    let config = format!("{AGENTS}[retention]\nclosed_ttl = \"1ms\"\n");
    let mut gateway = Gateway::start(folder.path(), &store, &config).await;
    let mut chat = Chat::ask(&gateway, "c", "hello").await;
    assert!(chat.read(ended).await.expect("up"));
    let close = chat.client.post("/api/v1/sessions/c/close", &[], "{}").await.expect("up");
    assert_eq!(close.status, 200);
    let closed = |log: &[Record]| control::kind(&log[log.len() - 1]) == Some("session-closed");
    assert!(chat.read(closed).await.expect("up"));
    let old = chat.log.last().expect("records").seq_num;
    gateway.kill();
    gateway.restart().await;
    while gateway.client().get("/api/v1/sessions/c").await.expect("up").status != 404 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    // A reader with the old cursor reads on in the new session.
    let again = Chat::ask(&gateway, "c", "hello again").await;
    let mut reader = Chat { log: chat.log.split_off(chat.log.len() - 1), ..again };
    assert!(reader.read(|log| log.len() > 1 && ended(log)).await.expect("up"));
    assert!(reader.text().contains("hello again"));
    assert!(reader.log[1].seq_num > old + (1 << 31), "{:?}", reader.log[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_move_with_what_happens() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = Gateway::start(folder.path(), "memory:", AGENTS).await;
    let before = metrics(&gateway).await;
    let mut chat = Chat::ask(&gateway, "c", "/words 5 0").await;
    assert!(chat.read(ended).await.expect("up"));
    let delivered = chat.log.len();
    let path = "/realtime/v1/sessions/c/in/append";
    let say = |text: &str| {
        let message =
            json!({"id": text, "role": "user", "parts": [{"type": "text", "text": text}]});
        let payload = json!({"trigger": "submit-message", "message": message});
        json!({"kind": "message", "payload": payload}).to_string()
    };
    let boundaries = |count| {
        move |log: &[Record]| log.iter().filter(|r| control::is_boundary(r)).count() == count
    };
    chat.client.post(path, &[], &say("/hang")).await.expect("up");
    chat.client.post(path, &[], r#"{"kind":"stop"}"#).await.expect("up");
    assert!(chat.read(boundaries(2)).await.expect("up"));
    chat.client.post(path, &[], &say("/fail")).await.expect("up");
    assert!(chat.read(boundaries(3)).await.expect("up"));
    chat.client.get("/nothing/here").await.expect("up");
    let after = metrics(&gateway).await;
    for (name, least) in [
        ("tidegate_appends_total", 3.0),
        ("tidegate_turns_started_total", 3.0),
        ("tidegate_turns_completed_total", 3.0),
        ("tidegate_turns_stopped_total", 1.0),
        ("tidegate_turns_failed_total", 1.0),
        ("tidegate_requests_total", 6.0),
        ("tidegate_errors_client_total", 1.0),
        ("tidegate_connections_accepted_total", 6.0),
        ("tidegate_records_delivered_total", delivered as f64),
    ] {
        let value = |metrics: &BTreeMap<String, f64>| {
            *metrics.get(name).unwrap_or_else(|| panic!("no {name} in {metrics:?}"))
        };
        let moved = value(&after) - value(&before);
        assert!(moved >= least, "{name} moved by {moved}");
    }
}

async fn metrics(gateway: &Gateway) -> BTreeMap<String, f64> {
    let answer = gateway.client().get("/metrics").await.expect("up");
    let text = String::from_utf8(answer.body.to_vec()).expect("text");
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    samples.filter_map(sample).collect()
}
