//! One user of a session: appends until it is acknowledged, reads on after every cut.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_protocol::record::Envelope;
use tidegate_protocol::{Record, control};
use tidegate_tests::client::{Client, Failure};
use tidegate_tests::worker::script::Word;

use crate::recovery::Recovery;
use crate::rng::Rng;
use crate::worker::Mode;

/// Between tries while the gateway is down.
const PAUSE: Duration = Duration::from_millis(5);
/// Nobody waits longer for an answer (I7): a frozen worker is noticed after 9 s, and what it did
/// may be tried three times.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// See the module.
pub(crate) struct User {
    pub(crate) client: Client,
    pub(crate) name: String,
    pub(crate) mode: Mode,
    number: usize,
    pub(crate) rng: Rng,
    /// Part id and seq of every acknowledged append.
    pub(crate) acknowledged: Vec<(String, u64)>,
    log: Arc<Mutex<Vec<Record>>>,
    recovery: Arc<Recovery>,
}

impl User {
    pub(crate) fn new(
        client: Client,
        mode: Mode,
        number: usize,
        seed: u64,
        recovery: &Arc<Recovery>,
    ) -> Self {
        let name = format!("{}-{number}", mode.agent());
        let rng = Rng::new(seed.wrapping_add(number as u64 * 104_729));
        let (acknowledged, log, recovery) = (Vec::new(), Arc::default(), Arc::clone(recovery));
        Self { client, name, mode, number, rng, acknowledged, log, recovery }
    }

    /// What was read so far, also for others.
    pub(crate) fn log(&self) -> Arc<Mutex<Vec<Record>>> {
        Arc::clone(&self.log)
    }

    pub(crate) fn path(&self, tail: &str) -> String {
        format!("/realtime/v1/sessions/{}/{tail}", self.name)
    }

    /// Creates the session; waits until a worker has registered the agent.
    pub(crate) async fn create(&self) {
        let body = json!({
            "type": "chat.agent", "externalId": self.name, "taskIdentifier": self.mode.agent(),
            "triggerConfig": {"basePayload": {"trigger": "preload", "chatId": self.name}},
        })
        .to_string();
        let creating = async {
            loop {
                let answer = self.client.post("/api/v1/sessions", &[], &body).await;
                if answer.is_ok_and(|answer| (200..300).contains(&answer.status)) {
                    return;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(PATIENCE, creating).await.expect("the agent was never registered");
    }

    /// Appends a message until it is acknowledged, always under the same part id.
    pub(crate) async fn say(&mut self, text: &str) -> u64 {
        let part = format!("u{}", self.acknowledged.len());
        let body = message(&part, text);
        let path = self.path("in/append");
        loop {
            match self.client.post(&path, &[("x-part-id", &part)], &body).await {
                Ok(answer) if (200..300).contains(&answer.status) => {
                    let seq = answer.json()["seq"].as_u64().expect("every answer has a seq");
                    self.acknowledged.push((part, seq));
                    return seq;
                }
                Ok(answer) if (400..500).contains(&answer.status) => {
                    panic!("a right request was refused: {answer:?}");
                }
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// State of the newest run.
    pub(crate) async fn run_status(&self) -> String {
        let path = format!("/api/v1/runs?filter%5Btag%5D=chat:{}", self.name);
        let answer = self.client.get(&path).await.expect("up").json();
        answer["data"][0]["status"].as_str().unwrap_or_default().to_owned()
    }

    async fn say_something(&mut self) -> u64 {
        let text = format!("say {} {}", 3 + self.rng.below(30), self.rng.below(25));
        self.say(&text).await
    }

    /// Reads on, resuming at the cursor after every cut, until a boundary covers `seq`.
    pub(crate) async fn read_until(&self, seq: u64) {
        let reading = async {
            while !self.is_covered(seq) {
                // A cut is what this test makes; the next read shows whether anything is missing.
                let _ = self.read_some(seq).await;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, reading).await;
        if waited.is_err() {
            let log = self.log.lock().expect("nobody panics with it");
            let tail = &log[log.len().saturating_sub(4)..];
            panic!("{}: input {seq} is stranded behind {tail:?}", self.name);
        }
    }

    async fn read_some(&self, seq: u64) -> Result<(), Failure> {
        let cursor = self.log.lock().expect("nobody panics with it").last().map(|r| r.seq_num);
        let mut reader = self.client.follow(&self.path("out"), cursor).await?;
        while let Some(records) = reader.next().await? {
            for record in &records {
                self.note(record);
            }
            self.log.lock().expect("nobody panics with it").extend(records);
            if self.is_covered(seq) {
                break;
            }
        }
        Ok(())
    }

    fn note(&self, record: &Record) {
        if control::is_boundary(record) {
            self.recovery.saw(self.number, self.mode.agent(), None);
        } else if let Some(word) = word(record) {
            self.recovery.saw(self.number, self.mode.agent(), Some(&word.worker));
        }
    }

    /// Reads until the turn that runs has said something.
    pub(crate) async fn read_word(&self) {
        let mut reader = self.client.follow(&self.path("out"), None).await.expect("up");
        let mut log = Vec::new();
        while !log.iter().any(|record| word(record).is_some()) {
            log.extend(reader.next().await.expect("up").expect("there is more"));
        }
        self.log.lock().expect("nobody panics with it").extend(log);
    }

    pub(crate) fn is_covered(&self, seq: u64) -> bool {
        let log = self.log.lock().expect("nobody panics with it");
        log.iter().rev().filter_map(floor).any(|floor| floor >= seq)
    }

    /// Talks until `over`, then once more.
    pub(crate) async fn live(mut self, over: Arc<std::sync::atomic::AtomicBool>) -> Self {
        self.create().await;
        // Alone, since a read without a cursor starts at the latest turn.
        let first = self.say_something().await;
        self.read_until(first).await;
        while !over.load(std::sync::atomic::Ordering::Relaxed) {
            let mut last = self.say_something().await;
            for _ in 0..self.rng.below(3) {
                last = self.say_something().await;
            }
            self.read_until(last).await;
            tokio::time::sleep(Duration::from_millis(self.rng.below(100))).await;
        }
        let last = self.say_something().await;
        self.read_until(last).await;
        self
    }
}

/// The body of an append: a message `id` that says `text`.
pub(crate) fn message(id: &str, text: &str) -> String {
    let message = json!({"id": id, "role": "user", "parts": [{"type": "text", "text": text}]});
    let payload = json!({"trigger": "submit-message", "message": message});
    json!({"kind": "message", "payload": payload}).to_string()
}

/// The floor that a boundary names.
pub(crate) fn floor(record: &Record) -> Option<u64> {
    if !control::is_boundary(record) {
        return None;
    }
    record.header(control::IN_EVENT_ID)?.parse().ok()
}

/// The chunk of a data record.
pub(crate) fn chunk(record: &Record) -> Option<Value> {
    if control::kind(record).is_some() {
        return None;
    }
    serde_json::from_str(Envelope::of(record)?.data.0.get()).ok()
}

/// The word of a delta.
pub(crate) fn word(record: &Record) -> Option<Word> {
    Word::parse(chunk(record)?["delta"].as_str()?)
}
