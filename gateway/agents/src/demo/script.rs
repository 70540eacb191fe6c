//! What an answer will be, step by step. Nothing runs here.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_core::seams::backend::BackendFault;

/// The steps of one answer.
#[derive(Debug)]
pub(super) struct Script {
    /// Played in order.
    pub(super) steps: VecDeque<Step>,
    pace: Duration,
    parts: u32,
}

/// One step.
#[derive(Debug)]
pub(super) enum Step {
    /// A chunk, at once.
    Chunk(Value),
    /// Deltas of one part, `pace` apart.
    Deltas {
        /// `text-delta` or `reasoning-delta`.
        kind: &'static str,
        /// The part's id.
        id: String,
        /// Where the texts come from.
        source: Deltas,
        /// Time between two; zero is none.
        pace: Duration,
    },
    /// Nothing for a while.
    Wait(Duration),
    /// Nothing for ever.
    Hang,
    /// The backend fails.
    Fail(BackendFault, String),
}

/// Texts of deltas, made one at a time so that a long answer needs no memory.
#[derive(Debug)]
pub(super) enum Deltas {
    /// Given words.
    Words(VecDeque<String>),
    /// `word 1 `, `word 2 `, …
    Numbered {
        /// The next number.
        next: u64,
        /// The last number.
        last: u64,
    },
    /// Texts of `bytes` bytes.
    Blocks {
        /// How many are left.
        left: u64,
        /// Size of each.
        bytes: usize,
    },
}

impl Script {
    /// An empty script; words will be `pace` apart.
    pub(super) fn new(pace: Duration) -> Self {
        Self { steps: VecDeque::new(), pace, parts: 0 }
    }

    /// A chunk.
    pub(super) fn chunk(&mut self, value: Value) {
        self.steps.push_back(Step::Chunk(value));
    }

    /// `start`: the answer's message has id `answer_id`.
    pub(super) fn start(&mut self, answer_id: &str) {
        self.chunk(json!({"type": "start", "messageId": answer_id}));
    }

    /// `start-step`.
    pub(super) fn start_step(&mut self) {
        self.chunk(json!({"type": "start-step"}));
    }

    /// `finish-step` and `finish`.
    pub(super) fn finish(&mut self) {
        self.finish_step();
        self.chunk(json!({"type": "finish"}));
    }

    /// `finish-step`.
    pub(super) fn finish_step(&mut self) {
        self.chunk(json!({"type": "finish-step"}));
    }

    /// A whole text part, word by word.
    pub(super) fn text(&mut self, text: &str) {
        self.part("text", Deltas::words(text), self.pace);
    }

    /// A whole reasoning part, word by word.
    pub(super) fn reasoning(&mut self, text: &str) {
        self.part("reasoning", Deltas::words(text), self.pace);
    }

    /// A whole text part from any source at any pace.
    pub(super) fn text_of(&mut self, source: Deltas, pace: Option<Duration>) {
        self.part("text", source, pace.unwrap_or(self.pace));
    }

    /// A text part that is never closed, because the answer breaks off in it.
    pub(super) fn open_text(&mut self, text: &str) {
        let id = self.part_id("text");
        self.chunk(json!({"type": "text-start", "id": id}));
        self.deltas("text-delta", id, Deltas::words(text), self.pace);
    }

    /// The answer waits.
    pub(super) fn wait(&mut self, time: Duration) {
        self.steps.push_back(Step::Wait(time));
    }

    /// One word's time passes.
    pub(super) fn beat(&mut self) {
        self.wait(self.pace);
    }

    /// The answer never ends.
    pub(super) fn hang(&mut self) {
        self.steps.push_back(Step::Hang);
    }

    /// The backend fails.
    pub(super) fn fail(&mut self, fault: BackendFault, message: &str) {
        self.steps.push_back(Step::Fail(fault, message.to_owned()));
    }

    fn part(&mut self, kind: &'static str, source: Deltas, pace: Duration) {
        let id = self.part_id(kind);
        let delta = if kind == "text" { "text-delta" } else { "reasoning-delta" };
        self.chunk(json!({"type": format!("{kind}-start"), "id": id}));
        self.deltas(delta, id.clone(), source, pace);
        self.chunk(json!({"type": format!("{kind}-end"), "id": id}));
    }

    fn deltas(&mut self, kind: &'static str, id: String, source: Deltas, pace: Duration) {
        self.steps.push_back(Step::Deltas { kind, id, source, pace });
    }

    fn part_id(&mut self, kind: &str) -> String {
        self.parts += 1;
        format!("{kind}-{}", self.parts)
    }
}

impl Deltas {
    /// The words of `text`, each with the white space behind it.
    pub(super) fn words(text: &str) -> Self {
        let mut words = VecDeque::new();
        let mut start = 0;
        let mut in_space = false;
        for (at, c) in text.char_indices() {
            if in_space && !c.is_whitespace() {
                words.push_back(text[start..at].to_owned());
                start = at;
            }
            in_space = c.is_whitespace();
        }
        if start < text.len() {
            words.push_back(text[start..].to_owned());
        }
        Self::Words(words)
    }

    /// The next text.
    pub(super) fn next(&mut self) -> Option<String> {
        match self {
            Self::Words(words) => words.pop_front(),
            Self::Numbered { next, last } => (*next <= *last).then(|| {
                *next += 1;
                let space = if *next > *last { "" } else { " " };
                format!("word-{}{space}", *next - 1)
            }),
            Self::Blocks { left, bytes } => (*left > 0).then(|| {
                *left -= 1;
                let mut block = format!("block {left} left ");
                block.extend(std::iter::repeat_n('x', bytes.saturating_sub(block.len())));
                block
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut deltas: Deltas) -> Vec<String> {
        std::iter::from_fn(move || deltas.next()).collect()
    }

    #[test]
    fn words_keep_all_of_the_text() {
        for text in ["", " ", "a", " a  b\n\nc ", "ünïcödé 日本 x"] {
            assert_eq!(all(Deltas::words(text)).concat(), text);
        }
        assert_eq!(all(Deltas::words("one two\n three")), ["one ", "two\n ", "three"]);
    }

    #[test]
    fn other_sources_count_right() {
        assert_eq!(all(Deltas::Numbered { next: 1, last: 2 }), ["word-1 ", "word-2"]);
        let blocks = all(Deltas::Blocks { left: 3, bytes: 100 });
        assert_eq!(blocks.iter().map(String::len).collect::<Vec<_>>(), [100; 3]);
    }
}
