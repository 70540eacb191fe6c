//! The tool calls of one answer, gathered from their deltas.

use serde_json::{Value, json};

use super::event::ToolDelta;

/// In the order in which they began.
#[derive(Debug)]
pub(super) struct Calls {
    /// Makes ids where the server gives none.
    prefix: String,
    calls: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    index: Option<u64>,
    given_id: Option<String>,
    id: String,
    /// Empty until the model has named it; nothing is said about the call before.
    name: String,
    arguments: String,
    started: bool,
}

impl Calls {
    /// None yet; ids of our own will start with `prefix`.
    pub(super) fn new(prefix: String) -> Self {
        Self { prefix, calls: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Takes a delta and says what it adds.
    pub(super) fn delta(&mut self, delta: ToolDelta, mut say: impl FnMut(Value)) {
        let given_id = delta.id.filter(|id| !id.is_empty());
        let function = delta.function.unwrap_or_default();
        let at = self.find(delta.index, given_id.as_deref()).unwrap_or_else(|| {
            let id = given_id.clone();
            let id = id.unwrap_or_else(|| format!("{}-{}", self.prefix, self.calls.len() + 1));
            let (name, arguments) = (String::new(), String::new());
            let index = delta.index;
            self.calls.push(Call { index, given_id, id, name, arguments, started: false });
            self.calls.len() - 1
        });
        let call = &mut self.calls[at];
        if !call.started {
            call.name.push_str(&function.name.unwrap_or_default());
        }
        let mut piece = function.arguments.unwrap_or_default();
        call.arguments.push_str(&piece);
        if call.name.is_empty() {
            return;
        }
        if !call.started {
            call.started = true;
            piece.clone_from(&call.arguments);
            say(json!({
                "type": "tool-input-start", "toolCallId": call.id, "toolName": call.name,
            }));
        }
        if !piece.is_empty() {
            say(json!({
                "type": "tool-input-delta", "toolCallId": call.id, "inputTextDelta": piece,
            }));
        }
    }

    /// All input is there.
    pub(super) fn finish(&mut self, mut say: impl FnMut(Value)) {
        for call in self.calls.drain(..).filter(|call| call.started) {
            let Call { id, name, arguments, .. } = call;
            let text = if arguments.trim().is_empty() { "{}" } else { &arguments };
            match serde_json::from_str::<Value>(text) {
                Ok(input) => say(json!({
                    "type": "tool-input-available",
                    "toolCallId": id,
                    "toolName": name,
                    "input": input,
                })),
                Err(error) => say(json!({
                    "type": "tool-input-error",
                    "toolCallId": id,
                    "toolName": name,
                    "input": arguments,
                    "errorText": format!("the model's arguments are not JSON: {error}"),
                })),
            }
        }
    }

    /// The call that a delta belongs to. Some servers give no index, others the same index to
    /// every call, so that only a new id tells calls apart.
    fn find(&self, index: Option<u64>, id: Option<&str>) -> Option<usize> {
        let at = match (index, id) {
            (Some(_), _) => self.calls.iter().rposition(|call| call.index == index)?,
            (None, Some(id)) => {
                return self.calls.iter().rposition(|c| c.given_id.as_deref() == Some(id));
            }
            (None, None) => self.calls.len().checked_sub(1)?,
        };
        let known = self.calls[at].given_id.as_deref();
        let same = id.is_none() || known.is_none() || known == id;
        same.then_some(at)
    }
}
