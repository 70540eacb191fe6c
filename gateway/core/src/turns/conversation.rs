//! The history of a session, and which of its messages the store does not have yet. Pure.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use tidegate_protocol::input::HistoryEdit;
use tidegate_protocol::ui::{self, Change, HistoryError};

use super::state::{MESSAGE_PREFIX, StoredMessage, message_name};
use crate::seams::store::Op;

/// UIMessages, oldest first.
#[derive(Debug, Default)]
pub struct Conversation {
    messages: Arc<Vec<Value>>,
    /// Ids of answers that were cut.
    partial: Vec<String>,
    /// Hash of each message as the store has it.
    stored: Vec<u64>,
    /// Bytes of the messages as stored.
    bytes: usize,
}

impl Conversation {
    /// From what the store has, oldest first.
    pub fn load(stored: Vec<StoredMessage>) -> Self {
        let blobs: Vec<Bytes> = stored.iter().map(StoredMessage::to_bytes).collect();
        let hashes = blobs.iter().map(|blob| hash(blob)).collect();
        let bytes = blobs.iter().map(Bytes::len).sum();
        let cut = stored.iter().filter(|m| !m.is_final).filter_map(|m| id_of(&m.message));
        let partial = cut.map(str::to_owned).collect();
        let messages = stored.into_iter().map(|m| m.message).collect();
        Self { messages: Arc::new(messages), partial, stored: hashes, bytes }
    }

    /// The messages, shared.
    pub fn messages(&self) -> &Arc<Vec<Value>> {
        &self.messages
    }

    /// Bytes of the messages as they were last stored.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The last message, if it is the assistant's.
    pub fn last_answer(&self) -> Option<&Value> {
        self.messages.last().filter(|message| message["role"] == "assistant")
    }

    /// Takes over the client's history (AI SDK binding): its messages, in its order, each once.
    pub fn apply(&mut self, edit: &HistoryEdit) {
        let (new, old) = (by_id(&edit.messages), by_id(self.messages.iter()));
        let mut seen = HashSet::new();
        let ids = edit.ids.iter().map(String::as_str).filter(|id| seen.insert(*id));
        let messages = ids.filter_map(|id| new.get(id).or_else(|| old.get(id)));
        let messages = messages.map(|message| Value::clone(message)).collect();
        self.messages = Arc::new(messages);
    }

    /// Adds, replaces or overlays one message. Answers whether nothing is left to do.
    pub fn submit(&mut self, message: Value) -> Result<bool, HistoryError> {
        let change = ui::upsert_message(Arc::make_mut(&mut self.messages), message)?;
        Ok(self.is_noop(change))
    }

    /// Is there nothing to answer after `change`?
    pub fn is_noop(&self, change: Change) -> bool {
        ui::is_noop_submit(&self.messages, change)
    }

    /// Drops what is answered again. A message that is not there any more was dropped already.
    pub fn regenerate(&mut self, message_id: Option<&str>) -> Result<(), HistoryError> {
        let messages = Arc::make_mut(&mut self.messages);
        match ui::regenerate(messages, message_id) {
            Err(HistoryError::UnknownMessage(_)) => ui::regenerate(messages, None),
            outcome => outcome,
        }
    }

    /// Puts the answer in: in place of the message of the same id, else at the end.
    pub fn put_answer(&mut self, answer: Value, is_final: bool) {
        let Some(id) = id_of(&answer).map(str::to_owned) else { return };
        self.partial.retain(|partial| *partial != id);
        let messages = Arc::make_mut(&mut self.messages);
        match messages.iter_mut().rfind(|message| id_of(message) == Some(&id)) {
            Some(place) => *place = answer,
            None => messages.push(answer),
        }
        if !is_final {
            self.partial.push(id);
        }
    }

    /// The operations that bring the store up to date; they must be committed.
    pub fn flush(&mut self) -> Vec<Op> {
        let mut ops = Vec::new();
        let mut hashes = Vec::with_capacity(self.messages.len());
        let mut total = 0;
        for (index, message) in self.messages.iter().enumerate() {
            let cut = id_of(message).is_some_and(|id| self.partial.iter().any(|p| p == id));
            let bytes = StoredMessage::encode(!cut, message);
            total += bytes.len();
            let hash = hash(&bytes);
            if self.stored.get(index) != Some(&hash) {
                ops.push(Op::PutBlob { name: message_name(index), bytes });
            }
            hashes.push(hash);
        }
        if self.stored.len() > hashes.len() {
            let from = message_name(hashes.len());
            ops.push(Op::DeleteBlobs { prefix: MESSAGE_PREFIX.to_owned(), from });
        }
        (self.stored, self.bytes) = (hashes, total);
        ops
    }
}

/// Messages by their ids; of several with one id the first.
pub fn by_id<'a>(messages: impl IntoIterator<Item = &'a Value>) -> HashMap<&'a str, &'a Value> {
    let mut found = HashMap::new();
    for message in messages {
        if let Some(id) = id_of(message) {
            found.entry(id).or_insert(message);
        }
    }
    found
}

/// The id of a UIMessage.
pub fn id_of(message: &Value) -> Option<&str> {
    message.get("id").and_then(Value::as_str)
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(id: &str, role: &str, text: &str) -> Value {
        json!({"id": id, "role": role, "parts": [{"type": "text", "text": text}]})
    }

    fn names(ops: &[Op]) -> Vec<String> {
        let name = |op: &Op| match op {
            Op::PutBlob { name, .. } => format!("put {name}"),
            Op::DeleteBlobs { from, .. } => format!("delete from {from}"),
            other => panic!("unexpected {other:?}"),
        };
        ops.iter().map(name).collect()
    }

    #[test]
    fn only_what_changed_is_written() {
        let mut chat = Conversation::default();
        assert_eq!(chat.submit(message("u1", "user", "hi")), Ok(false));
        chat.put_answer(message("a1", "assistant", "hello"), true);
        assert_eq!(names(&chat.flush()), ["put t/0000000000", "put t/0000000001"]);
        assert!(chat.flush().is_empty());
        chat.put_answer(message("a1", "assistant", "hello again"), false);
        assert_eq!(names(&chat.flush()), ["put t/0000000001"]);
        chat.regenerate(Some("a1")).expect("there");
        assert_eq!(names(&chat.flush()), ["delete from t/0000000001"]);
    }

    #[test]
    fn a_clients_history_becomes_the_sessions() {
        let mut chat = Conversation::default();
        for id in ["u1", "u2"] {
            chat.submit(message(id, "user", id)).expect("a message");
        }
        chat.flush();
        let edit = HistoryEdit {
            ids: vec!["u1".into(), "u3".into()],
            messages: vec![message("u3", "user", "new")],
        };
        chat.apply(&edit);
        let ids: Vec<_> = chat.messages().iter().filter_map(id_of).collect();
        assert_eq!(ids, ["u1", "u3"]);
        assert_eq!(names(&chat.flush()), ["put t/0000000001"]);
    }
}
