//! One chat through HAProxy: appends until it is acknowledged, reads on after every cut.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidegate_protocol::Record;
use tidegate_tests::client::{Answer, Client, Failure};
use tokio::time::{sleep, timeout};

use crate::log::{Agent, floor};
use crate::report::Report;
use crate::shared::Topology;

/// Between tries.
const PAUSE: Duration = Duration::from_millis(20);
/// A request that takes longer is made again: the gateway that has it may be frozen.
const REQUEST: Duration = Duration::from_secs(3);
/// Nobody waits longer (I7).
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// What was appended and acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) part: String,
    pub(crate) seq: u64,
    /// Words that it asks for; none for a stop.
    pub(crate) words: Option<u64>,
    body: String,
}

/// See the module.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) topology: Topology,
    pub(crate) name: String,
    pub(crate) agent: Agent,
    pub(crate) user: usize,
    pub(crate) inputs: Vec<Input>,
    /// Acknowledged, and gone after a failover; they were appended again.
    pub(crate) lost: Vec<(u64, String)>,
    pub(crate) log: Arc<Mutex<Vec<Record>>>,
    pub(crate) closed: bool,
    pub(crate) report: Arc<Report>,
}

impl Session {
    pub(crate) fn new(
        client: Client,
        topology: Topology,
        name: &str,
        agent: Agent,
        user: usize,
        report: &Arc<Report>,
    ) -> Self {
        let (name, report) = (name.to_owned(), Arc::clone(report));
        let (inputs, lost, log, closed) = Default::default();
        Self { client, topology, name, agent, user, inputs, lost, log, closed, report }
    }

    pub(crate) fn path(&self, tail: &str) -> String {
        format!("/realtime/v1/sessions/{}/{tail}", self.name)
    }

    /// Makes a request until it is answered by 2xx or 4xx.
    async fn insist(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let tries = async {
            loop {
                let post = self.client.post(path, headers, body);
                match timeout(REQUEST, post).await {
                    Ok(Ok(answer)) if answer.status < 500 && answer.status != 429 => return answer,
                    Ok(Ok(answer)) if answer.status == 500 => panic!("{path}: {answer:?}"),
                    _ => sleep(PAUSE).await,
                }
            }
        };
        let answer = timeout(PATIENCE, tries).await;
        answer.unwrap_or_else(|_| panic!("{}: nobody answers {path}", self.name))
    }

    /// Makes a right request until it is done, also if a failover took the session whole.
    async fn done(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        loop {
            let answer = self.insist(path, headers, body).await;
            if answer.status < 300 {
                return answer;
            }
            let lost = answer.status == 404 && self.topology.may_lose();
            assert!(lost, "{}: a right request was refused: {answer:?}", self.name);
            self.report.count("sessions lost by failover and made again", 1);
            self.create().await;
        }
    }

    /// Creates it; waits until a worker has registered the agent.
    pub(crate) async fn create(&self) {
        let body = json!({
            "type": "chat.agent", "externalId": self.name, "taskIdentifier": self.agent.id(),
            "triggerConfig": {"basePayload": {"trigger": "preload", "chatId": self.name}},
        });
        let tries = async {
            while self.insist("/api/v1/sessions", &[], &body.to_string()).await.status >= 300 {
                sleep(PAUSE).await;
            }
        };
        timeout(PATIENCE, tries).await.expect("a worker registers the agent");
    }

    /// Appends until it is acknowledged, always under the same part id.
    async fn append(&self, part: &str, body: &str) -> u64 {
        let answer = self.done(&self.path("in/append"), &[("x-part-id", part)], body).await;
        answer.json()["seq"].as_u64().expect("every answer has a seq")
    }

    async fn input(&mut self, body: &Value, part: String, words: Option<u64>) -> u64 {
        let body = body.to_string();
        let seq = self.append(&part, &body).await;
        self.inputs.push(Input { part, seq, words, body });
        seq
    }

    pub(crate) async fn say(&mut self, words: u64, pause_ms: u64) -> u64 {
        let part = format!("u{}", self.inputs.len());
        let text = self.agent.ask(words, pause_ms);
        let parts = json!([{"type": "text", "text": text}]);
        let message = json!({"id": part, "role": "user", "parts": parts});
        let payload = json!({"trigger": "submit-message", "message": message});
        self.input(&json!({"kind": "message", "payload": payload}), part, Some(words)).await
    }

    pub(crate) async fn stop(&mut self) -> u64 {
        let part = format!("u{}", self.inputs.len());
        self.report.count("stops", 1);
        self.input(&json!({"kind": "stop"}), part, None).await
    }

    /// Closes it; from then on it takes nothing (R-CLS-3).
    pub(crate) async fn close(&mut self) {
        let path = format!("/api/v1/sessions/{}/close", self.name);
        let late = json!({"kind": "stop"}).to_string();
        loop {
            self.done(&path, &[], "{}").await;
            let to = self.path("in/append");
            let refused = self.insist(&to, &[("x-part-id", "late")], &late).await;
            if refused.status >= 400 {
                break;
            }
            assert!(self.topology.may_lose(), "{}: closed, but {refused:?}", self.name);
            self.report.count("closes that a failover lost", 1);
        }
        self.closed = true;
        self.report.count("closes", 1);
    }

    pub(crate) fn is_covered(&self, seq: u64) -> bool {
        let log = self.log.lock().expect("nobody panics with it");
        log.iter().rev().filter_map(floor).any(|floor| floor >= seq)
    }

    /// Reads on, resuming at the cursor after every cut, until `done`.
    pub(crate) async fn read_until(&self, silence: Duration, done: impl Fn(&Self) -> bool) {
        let reading = async {
            while !done(self) {
                // A cut is what this test makes; the next read shows whether anything is missing.
                let _ = self.read_some(silence, &done).await;
                sleep(Duration::from_millis(5)).await;
            }
        };
        if timeout(PATIENCE, reading).await.is_err() {
            panic!("stranded: {}", self.story().await);
        }
    }

    /// All that helps to find out what went wrong.
    pub(crate) async fn story(&self) -> String {
        let last = &self.inputs[self.inputs.len().saturating_sub(4)..];
        let mut story = format!("{}: {last:?}", self.name);
        let runs = format!("/api/v1/runs?filter%5Btag%5D=chat:{}", self.name);
        let session = format!("/api/v1/sessions/{}", self.name);
        let from = last.first().map_or(0, |input| input.seq.saturating_sub(1));
        let fates = format!("/v1/sessions/{}/inputs?after={from}", self.name);
        for path in [session, fates, runs] {
            let answer = timeout(REQUEST, self.client.get(&path)).await;
            let answer = answer.ok().and_then(Result::ok);
            let body = answer.map(|answer| String::from_utf8_lossy(&answer.body).into_owned());
            write!(story, "\n{path}: {body:?}").expect("writing to a String");
        }
        let log = self.log.lock().expect("nobody panics with it");
        for record in &log[log.len().saturating_sub(12)..] {
            let body = String::from_utf8_lossy(&record.body);
            let (seq, headers) = (record.seq_num, &record.headers);
            write!(story, "\n{seq} {headers:?} {body}").expect("writing to a String");
        }
        story
    }

    async fn read_some(
        &self,
        silence: Duration,
        done: &impl Fn(&Self) -> bool,
    ) -> Result<(), Failure> {
        let cursor = self.log.lock().expect("nobody panics with it").last().map(|r| r.seq_num);
        let path = self.path("out");
        let mut reader = timeout(silence, self.client.follow(&path, cursor)).await??;
        while let Some(records) = timeout(silence, reader.next()).await?? {
            self.report.saw(self.user);
            self.log.lock().expect("nobody panics with it").extend(records);
            if done(self) {
                break;
            }
        }
        Ok(())
    }

    /// Waits for the answer to the last input. What a failover took is appended again.
    pub(crate) async fn read_answer(&mut self, silence: Duration) {
        self.report.asks(self.user);
        let began = Instant::now();
        loop {
            let seq = self.inputs.last().expect("something was said").seq;
            let reading = self.read_until(silence, |session| session.is_covered(seq));
            if !self.topology.may_lose() {
                reading.await;
                break;
            }
            if timeout(Duration::from_secs(5), reading).await.is_ok() {
                break;
            }
            if began.elapsed() > PATIENCE {
                panic!("stranded after a failover: {}", self.story().await);
            }
            self.mend().await;
        }
        self.report.answered(self.user);
    }

    /// Appends again what is not there any more.
    async fn mend(&mut self) {
        let last = self.inputs.last().expect("something was said").clone();
        if self.holds(&last).await != Some(false) {
            return;
        }
        let seq = self.append(&last.part, &last.body).await;
        assert_ne!(seq, last.seq, "{}: a seq was given twice", self.name);
        self.lost.push((last.seq, last.part));
        self.inputs.last_mut().expect("something was said").seq = seq;
    }

    /// Is an input where it was acknowledged? `None`: nobody says.
    async fn holds(&self, input: &Input) -> Option<bool> {
        let after =
            input.seq.checked_sub(1).map_or(String::new(), |seq| format!("&afterEventId={seq}"));
        let path = self.path(&format!("in/records?limit=1{after}"));
        let answer = timeout(REQUEST, self.client.get(&path)).await.ok()?.ok()?;
        if answer.status != 200 {
            return (answer.status == 404).then_some(false);
        }
        let first = &answer.json()["records"][0];
        Some(first["seqNum"] == input.seq && first["id"] == *input.part)
    }
}
