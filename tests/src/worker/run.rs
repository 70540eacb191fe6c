//! One run: its loop. The history is what was answered, kept in memory and saved after every turn.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use tidegate_protocol::Record;
use tidegate_protocol::input::Input;
use tidegate_protocol::link::{BootFrame, EndAndContinue, Exit, Out, Save, TurnDone, WorkerFrame};

use super::held::Next;
use super::script::{Script, Word};
use super::shared::Shared;

/// See the module.
pub(super) struct Run {
    shared: Arc<Shared>,
    tag: Arc<str>,
    id: String,
    fence: u64,
    /// `.in` seqs of what was answered.
    history: Vec<u64>,
}

impl Run {
    pub(super) fn new(shared: &Arc<Shared>, tag: &Arc<str>, boot: &BootFrame) -> Self {
        let saved = boot.checkpoint.as_deref().unwrap_or("[]");
        Self {
            shared: Arc::clone(shared),
            tag: Arc::clone(tag),
            id: boot.id.clone(),
            fence: boot.fence,
            history: serde_json::from_str(saved).expect("what was saved is read back whole"),
        }
    }

    /// Runs until it is over, or not this worker's any more.
    pub(super) async fn run(mut self) {
        while let Some(next) = self.shared.next(&self.id).await {
            let goes_on = match next {
                Next::Input(record) => self.take(&record).await,
                Next::Leave | Next::Nothing => Some(false),
            };
            match goes_on {
                Some(true) => {}
                Some(false) => {
                    let id = self.id.clone();
                    let exit = |seq| WorkerFrame::Exit(Exit { id, seq: Some(seq), error: None });
                    self.shared.say(&self.id, exit).await;
                    return self.shared.end(&self.id).await;
                }
                None => return,
            }
        }
    }

    /// Answers an input. `Some(false)`: it was the last one; `None`: the run was taken away.
    async fn take(&mut self, record: &Record) -> Option<bool> {
        let Input::Message(payload) = Input::of(record) else { return Some(true) };
        let Some(message) = &payload.message else { return Some(true) };
        let text = message["parts"][0]["text"].as_str().and_then(Script::parse);
        let (Some(script), Some(name)) = (text, message["id"].as_str()) else {
            return Some(true);
        };
        let seq = record.seq_num;
        let after = self.history.iter().copied().filter(|answered| *answered < seq).max();
        let start = json!({"type": "start", "messageId": format!("a{seq}.{}", self.fence)});
        self.chunks(vec![start, json!({"type": "text-start", "id": "t"})]).await?;
        for index in 0..script.count() {
            tokio::time::sleep(Duration::from_millis(script.pause_ms())).await;
            let (worker, message) = (self.tag.to_string(), name.to_owned());
            let word = Word { worker, answer: self.fence, message, index, after };
            let delta = json!({"type": "text-delta", "id": "t", "delta": word.to_text()});
            self.chunks(vec![delta]).await?;
        }
        let end = json!({"type": "text-end", "id": "t"});
        self.chunks(vec![end, json!({"type": "finish"})]).await?;
        self.finish(seq).await?;
        if script == Script::Upgrade {
            let id = self.id.clone();
            let next = |seq| WorkerFrame::EndAndContinue(EndAndContinue { id, seq, reason: None });
            self.say(next).await?;
            return Some(false);
        }
        Some(true)
    }

    /// The transcript before the boundary: whoever dies in between finds the answer in it, and
    /// answers the same input again without harm.
    async fn finish(&mut self, seq: u64) -> Option<()> {
        if !self.history.contains(&seq) {
            self.history.push(seq);
        }
        let transcript = serde_json::to_string(&self.history).expect("numbers are JSON");
        let id = self.id.clone();
        self.say(|seq| WorkerFrame::Save(Save { id, seq, transcript })).await?;
        let (id, floor) = (self.id.clone(), Some(seq));
        self.say(|seq| WorkerFrame::TurnDone(TurnDone { id, seq, floor, consumed: floor })).await
    }

    async fn chunks(&self, chunks: Vec<Value>) -> Option<()> {
        let record = |chunk: &Value| -> Box<RawValue> {
            to_raw_value(&json!({"data": chunk})).expect("JSON values have string keys only")
        };
        let (id, records) = (self.id.clone(), chunks.iter().map(record).collect());
        self.say(|seq| WorkerFrame::Out(Out { id, seq, chunks: Vec::new(), records })).await
    }

    async fn say(&self, frame: impl FnOnce(u64) -> WorkerFrame) -> Option<()> {
        self.shared.say(&self.id, frame).await.then_some(())
    }
}
