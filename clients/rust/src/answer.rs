//! Where an agent writes its answer.

use std::future::poll_fn;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use crate::error::AnswerError;
use crate::link::Shared;

/// The answer to one turn. Clones write into the same answer.
#[derive(Clone, Debug)]
pub struct Answer {
    shared: Arc<Shared>,
    id: Arc<str>,
    text: Arc<Mutex<Text>>,
}

/// The text part that is open, if one is.
#[derive(Debug, Default)]
struct Text {
    parts: u32,
    open: bool,
}

impl Answer {
    pub(crate) fn new(shared: Arc<Shared>, id: Arc<str>) -> Self {
        Self { shared, id, text: Arc::default() }
    }

    /// Appends to the text part that is open, or opens one. Waits while the gateway has not taken
    /// what was sent before.
    pub async fn text(&self, delta: &str) -> Result<(), AnswerError> {
        let (opened, id) = {
            let mut text = self.text.lock();
            let opened = !std::mem::replace(&mut text.open, true);
            text.parts += u32::from(opened);
            (opened, text.id())
        };
        if opened {
            self.send(&json!({"type": "text-start", "id": id})).await?;
        }
        self.send(&json!({"type": "text-delta", "id": id, "delta": delta})).await
    }

    /// Sends any UI message chunk: a JSON object with a `type`. A text part that
    /// [`Answer::text`] opened is closed before. Waits as [`Answer::text`] does.
    pub async fn chunk(&self, chunk: Value) -> Result<(), AnswerError> {
        if !chunk.get("type").is_some_and(Value::is_string) {
            return Err(AnswerError::NotAChunk);
        }
        self.end_text().await?;
        self.send(&chunk).await
    }

    /// Closes the text part that is open.
    pub(crate) async fn end_text(&self) -> Result<(), AnswerError> {
        let id = {
            let mut text = self.text.lock();
            if !std::mem::take(&mut text.open) {
                return Ok(());
            }
            text.id()
        };
        self.send(&json!({"type": "text-end", "id": id})).await
    }

    async fn send(&self, chunk: &Value) -> Result<(), AnswerError> {
        let mut raw: Option<Box<RawValue>> =
            Some(to_raw_value(chunk).expect("JSON values have string keys only"));
        poll_fn(|cx| self.shared.machine.lock().poll_push(&self.id, &mut raw, cx)).await
    }
}

impl Text {
    fn id(&self) -> String {
        format!("text-{}", self.parts)
    }
}
