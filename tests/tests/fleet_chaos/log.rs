//! What records of `.out` say.

use serde_json::Value;
use tidegate_protocol::limits::EPOCH_SEQ_STRIDE;
use tidegate_protocol::record::Envelope;
use tidegate_protocol::{Record, control};
use tidegate_tests::worker::script::Word;

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agent {
    /// The gateway's own demo: whichever gateway serves the session.
    Demo,
    /// A linked worker, turn by turn.
    Turns,
    /// A linked worker that keeps the loop itself.
    Runs,
}

impl Agent {
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Turns => "turns",
            Self::Runs => "runs",
        }
    }

    /// A message that asks for so many words, each after a pause.
    pub(crate) fn ask(self, words: u64, pause_ms: u64) -> String {
        match self {
            Self::Demo => format!("/words {words} {pause_ms}"),
            Self::Turns | Self::Runs => format!("say {words} {pause_ms}"),
        }
    }
}

/// One word of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// Which process wrote it, and in which of its answers; the demo does not say.
    pub(crate) writer: Option<(String, u64)>,
    /// The message that it answers; the demo does not say.
    pub(crate) message: Option<String>,
    /// Its place, from 0.
    pub(crate) index: u64,
}

/// The word of a delta.
pub(crate) fn word(record: &Record) -> Option<Said> {
    let chunk = chunk(record)?;
    let text = chunk["delta"].as_str()?;
    if let Some(number) = text.trim_end().strip_prefix("word-") {
        let index = number.parse::<u64>().ok()?.checked_sub(1)?;
        return Some(Said { writer: None, message: None, index });
    }
    let Word { worker, answer, message, index, .. } = Word::parse(text)?;
    Some(Said { writer: Some((worker, answer)), message: Some(message), index })
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

pub(crate) fn has(turn: &[Record], kind: &str) -> bool {
    turn.iter().filter_map(chunk).any(|chunk| chunk["type"] == kind)
}

/// Does a new epoch begin between two seqs? That is the gap that readers see.
pub(crate) fn is_jump(before: u64, after: u64) -> bool {
    after > before && after - before >= EPOCH_SEQ_STRIDE / 2
}

/// A record as every reader gets it.
pub(crate) fn without_token(record: &Record) -> Record {
    let mut record = record.clone();
    record.headers.retain(|(name, _)| name != control::ACCESS_TOKEN);
    record
}
