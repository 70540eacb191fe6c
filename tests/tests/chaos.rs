//! `kill -9` of the real binary at random moments under load, with clients that resume (I1–I3,
//! I5, I7). Seeds are printed; `TIDEGATE_SEED` replays one, `TIDEGATE_LONG` runs 200 kills.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_protocol::record::Envelope;
use tidegate_protocol::{Record, control};
use tidegate_tests::client::{Client, Failure};
use tidegate_tests::process::Gateway;

const SESSIONS: usize = 6;
/// Between tries while the gateway is down.
const PAUSE: Duration = Duration::from_millis(5);
const AGENTS: &str = "[[agent]]\nid = \"demo\"\nbackend = \"demo\"\nwords_per_second = 0\n";

struct Rng(u64);

impl Rng {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// One user: what was acknowledged, and what was read.
struct User {
    client: Client,
    name: String,
    rng: Rng,
    /// Part id and seq of every acknowledged append.
    acknowledged: Vec<(String, u64)>,
    log: Vec<Record>,
}

impl User {
    fn path(&self, tail: &str) -> String {
        format!("/realtime/v1/sessions/{}/{tail}", self.name)
    }

    async fn create(&self) {
        let body = json!({
            "type": "chat.agent", "externalId": self.name, "taskIdentifier": "demo",
            "triggerConfig": {"basePayload": {"trigger": "preload", "chatId": self.name}},
        })
        .to_string();
        loop {
            let answer = self.client.post("/api/v1/sessions", &[], &body).await;
            if answer.is_ok_and(|answer| is_accepted(answer.status)) {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Appends until it is acknowledged, always under the same part id.
    async fn append(&mut self, body: &str) -> u64 {
        let part = format!("{}-{}", self.name, self.acknowledged.len());
        let path = self.path("in/append");
        loop {
            match self.client.post(&path, &[("x-part-id", &part)], body).await {
                Ok(answer) if is_accepted(answer.status) => {
                    let seq = answer.json()["seq"].as_u64().expect("every answer has a seq");
                    self.acknowledged.push((part, seq));
                    return seq;
                }
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    async fn say(&mut self) -> u64 {
        let text = format!("/words {} {}", 5 + self.rng.below(40), self.rng.below(6));
        let id = format!("u{}", self.acknowledged.len());
        let message = json!({"id": id, "role": "user", "parts": [{"type": "text", "text": text}]});
        let payload = json!({"trigger": "submit-message", "message": message});
        self.append(&json!({"kind": "message", "payload": payload}).to_string()).await
    }

    /// Reads on, resuming at the cursor after every cut, until a boundary covers `seq`.
    async fn read_until(&mut self, seq: u64) {
        while !covered(&self.log, seq) {
            // A cut is what this test makes; the next read shows whether anything is missing.
            let _ = self.read_some(seq).await;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn read_some(&mut self, seq: u64) -> Result<(), Failure> {
        let cursor = self.log.last().map(|record| record.seq_num);
        let mut reader = self.client.follow(&self.path("out"), cursor).await?;
        while let Some(records) = reader.next().await? {
            self.log.extend(records);
            if covered(&self.log, seq) {
                break;
            }
        }
        Ok(())
    }

    async fn live(mut self, over: Arc<AtomicBool>) -> Self {
        self.create().await;
        // Alone, since a read without a cursor starts at the latest turn.
        let first = self.say().await;
        self.read_until(first).await;
        while !over.load(Ordering::Relaxed) {
            let mut last = self.say().await;
            for _ in 0..self.rng.below(3) {
                last = match self.rng.below(3) {
                    0 => self.append(r#"{"kind":"stop"}"#).await,
                    _ => self.say().await,
                };
            }
            self.read_until(last).await;
        }
        let last = self.say().await;
        self.read_until(last).await;
        self
    }

    /// What the server holds against what was read.
    async fn check_log(&self) {
        let first = self.log.first().expect("something was read").seq_num;
        let last = self.log.last().expect("something was read").seq_num;
        let seqs: Vec<u64> = self.log.iter().map(|record| record.seq_num).collect();
        let dense: Vec<u64> = (first..=last).collect();
        assert_eq!(seqs, dense, "{}: no record lost, none twice", self.name);
        let mut whole = Vec::new();
        let mut reader = self.client.follow(&self.path("out"), Some(first)).await.expect("up");
        while whole.last().is_none_or(|record: &Record| record.seq_num < last) {
            whole.extend(reader.next().await.expect("up").expect("there is more"));
        }
        for (ours, theirs) in self.log[1..].iter().zip(&whole) {
            assert_eq!(without_token(ours), without_token(theirs), "{}", self.name);
        }
        check_turns(&self.name, &self.log);
    }

    /// Every acknowledged input is there once, has one fate, and every turn one boundary.
    async fn check_inputs(&self) {
        let mut parts = BTreeMap::new();
        for record in self.pages(&self.path("in/records"), "afterEventId", "seqNum").await {
            let seq = record["seqNum"].as_u64().expect("a seq");
            let part = record["id"].as_str().expect("a part id").to_owned();
            assert_eq!(parts.insert(part, seq), None, "{}: an input twice", self.name);
        }
        for (part, seq) in &self.acknowledged {
            assert_eq!(parts.get(part), Some(seq), "{}: lost input {part}", self.name);
        }
        let path = format!("/v1/sessions/{}/inputs", self.name);
        let fates = self.pages(&path, "after", "seq").await;
        assert_eq!(fates.len(), parts.len(), "{}: a fate for every input", self.name);
        let count = |fate: &str| fates.iter().filter(|input| input["fate"] == fate).count();
        let (answered, applied) = (count("answered"), count("applied"));
        assert_eq!(answered + applied, fates.len(), "{}: {fates:?}", self.name);
        // A stop that hit no turn has a boundary of its own only if it came when nothing ran.
        let hits = fates.iter().filter(|input| input["fate"] == "applied");
        let hits = hits.filter(|input| !input["turn"].is_null()).count();
        let boundaries = self.log.iter().filter(|record| control::is_boundary(record)).count();
        let range = answered..=answered + applied - hits;
        assert!(range.contains(&boundaries), "{}: {boundaries} in {range:?}", self.name);
    }

    async fn pages(&self, path: &str, cursor: &str, seq: &str) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.last().and_then(|item| item[seq].as_u64());
            let query = after.map_or(String::new(), |after| format!("?{cursor}={after}"));
            let answer = self.client.get(&format!("{path}{query}")).await.expect("up").json();
            let lists = answer.as_object().expect("an object").values();
            let page = lists.filter_map(Value::as_array).next().expect("a list").clone();
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }
}

fn covered(log: &[Record], seq: u64) -> bool {
    log.iter().rev().filter(|record| control::is_boundary(record)).any(|record| {
        let floor = record.header(control::IN_EVENT_ID).and_then(|f| f.parse::<u64>().ok());
        floor.is_some_and(|floor| floor >= seq)
    })
}

fn without_token(record: &Record) -> Record {
    let mut record = record.clone();
    record.headers.retain(|(name, _)| name != control::ACCESS_TOKEN);
    record
}

/// Within a turn no word comes twice, and every part that began has ended at the boundary.
fn check_turns(name: &str, log: &[Record]) {
    for turn in log.split_inclusive(control::is_boundary) {
        let mut open = 0_i64;
        let mut words = HashSet::new();
        for record in turn.iter().filter(|record| control::kind(record).is_none()) {
            let envelope = Envelope::of(record).expect("a chunk");
            let chunk: Value = serde_json::from_str(envelope.data.0.get()).expect("JSON");
            match chunk["type"].as_str().expect("a type") {
                "text-start" => open += 1,
                "text-end" => open -= 1,
                "text-delta" => {
                    let word = chunk["delta"].as_str().expect("text").to_owned();
                    assert!(words.insert(word), "{name}: {chunk} was shown twice in {turn:?}");
                }
                _ => {}
            }
        }
        assert_eq!(open, 0, "{name}: a part is left open");
    }
}

/// A refusal of a right request is a failure of the test; everything else is tried again.
fn is_accepted(status: u16) -> bool {
    assert!(!(400..500).contains(&status), "a right request was refused with {status}");
    (200..300).contains(&status)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_lose_nothing_and_repeat_nothing() {
    let kills = if std::env::var_os("TIDEGATE_LONG").is_some() { 200 } else { 15 };
    let seed = std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| u64::from(std::process::id()) * 7919 + 1);
    println!("replay with TIDEGATE_SEED={seed}");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = format!("disk:{}", dir.path().join("data").display());
    let mut gateway = Gateway::start(dir.path(), &store, AGENTS).await;
    let over = Arc::new(AtomicBool::new(false));
    let user = |n: usize| User {
        client: gateway.client(),
        name: format!("chat-{n}"),
        rng: Rng(seed.wrapping_add(n as u64 * 104_729) | 1),
        acknowledged: Vec::new(),
        log: Vec::new(),
    };
    let users: Vec<_> =
        (0..SESSIONS).map(|n| tokio::spawn(user(n).live(Arc::clone(&over)))).collect();
    let mut rng = Rng(seed | 1);
    for _ in 0..kills {
        tokio::time::sleep(Duration::from_millis(20 + rng.below(400))).await;
        gateway.kill();
        gateway.restart().await;
    }
    over.store(true, Ordering::Relaxed);
    let (mut records, mut inputs) = (0, 0);
    for user in users {
        let user = user.await.expect("the user's own checks hold");
        user.check_log().await;
        user.check_inputs().await;
        records += user.log.len();
        inputs += user.acknowledged.len();
    }
    println!("{kills} kills, {SESSIONS} sessions, {inputs} inputs, {records} records: all there");
}
