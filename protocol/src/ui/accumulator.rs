//! Chunks reduced to the message that `ai` 7's own reducer would hold.
//!
//! Equality with the published reducer is the contract (`protocol/tests/differential.rs`).

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::chunk::{ChunkError, check, flag, text, type_of};
use super::inputs::Inputs;
use super::kind::Kind;
use super::metadata::merge_metadata;
use super::parts::{Parts, call_id, given, is_tool, set, state_of};

/// One assistant message that is being built from chunks.
#[derive(Clone, Debug)]
pub struct Accumulator {
    pub(super) id: String,
    pub(super) metadata: Option<Value>,
    /// Members of a continued message that no chunk can change.
    rest: Map<String, Value>,
    pub(super) parts: Parts,
    /// Index of the part that each open text id writes to.
    pub(super) open_text: HashMap<String, usize>,
    pub(super) open_reasoning: HashMap<String, usize>,
    pub(super) inputs: Inputs,
    pub(super) seen: Seen,
}

/// What has passed, for decisions that the message alone can't answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) start: bool,
    pub(super) step: bool,
    pub(super) content: bool,
}

/// What a stream that ends here would leave open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenParts {
    /// Ids of text parts without their `text-end`, oldest first.
    pub text: Vec<String>,
    /// Ids of reasoning parts without their `reasoning-end`, oldest first.
    pub reasoning: Vec<String>,
    /// Ids of tool calls whose input is still streaming, oldest first.
    pub tool_inputs: Vec<String>,
    /// A `start-step` came without its `finish-step`.
    pub step: bool,
}

impl Accumulator {
    /// A fresh assistant message without parts. A `start` chunk may rename it.
    pub fn new(message_id: &str) -> Self {
        Self {
            id: message_id.to_owned(),
            metadata: None,
            rest: Map::new(),
            parts: Parts::default(),
            open_text: HashMap::new(),
            open_reasoning: HashMap::new(),
            inputs: Inputs::default(),
            seen: Seen::default(),
        }
    }

    /// Continues an assistant message, for example one whose tool call has been answered.
    ///
    /// Errors with [`ChunkError::NotAnAssistantMessage`] for anything else. A `start` chunk that
    /// names another message begins that one anew, as `readUIMessageStream` does.
    pub fn resume(message: Value) -> Result<Self, ChunkError> {
        let no = ChunkError::NotAnAssistantMessage;
        let Value::Object(mut rest) = message else { return Err(no("not an object")) };
        if rest.get("role").and_then(Value::as_str) != Some("assistant") {
            return Err(no("its role is not `assistant`"));
        }
        let Some(Value::String(id)) = rest.shift_remove("id") else {
            return Err(no("it has no string `id`"));
        };
        let Some(Value::Array(parts)) = rest.shift_remove("parts") else {
            return Err(no("it has no array `parts`"));
        };
        if !parts.iter().all(|part| type_of(part).is_some()) {
            return Err(no("a part has no string `type`"));
        }
        rest.shift_remove("role");
        let mut this = Self::new(&id);
        this.metadata = rest.shift_remove("metadata");
        this.rest = rest;
        this.parts = Parts::new(parts);
        this.inputs = Inputs::of(&this.parts);
        Ok(this)
    }

    /// Takes the next chunk. After an error the message is as it was before the chunk.
    pub fn push(&mut self, chunk: &Value) -> Result<(), ChunkError> {
        let kind = check(chunk)?;
        match kind {
            Kind::TextDelta => append(&self.open_text, &mut self.parts, "text-delta", chunk)?,
            Kind::ReasoningDelta => {
                append(&self.open_reasoning, &mut self.parts, "reasoning-delta", chunk)?;
            }
            Kind::ToolInputDelta => self.inputs.delta(&mut self.parts, chunk)?,
            Kind::Start => self.start(chunk)?,
            Kind::Finish | Kind::MessageMetadata => self.merge(chunk)?,
            Kind::StartStep => {
                self.parts.push(json!({"type": "step-start"}));
                self.seen.step = true;
            }
            Kind::FinishStep => self.seen.step = false,
            Kind::ResetStep => {
                self.inputs.settle_all(&mut self.parts);
                self.parts.reset_step();
                self.open_text.clear();
                self.open_reasoning.clear();
                self.inputs = Inputs::default();
            }
            Kind::TextStart => open(&mut self.open_text, &mut self.parts, "text", chunk),
            Kind::ReasoningStart => {
                open(&mut self.open_reasoning, &mut self.parts, "reasoning", chunk);
            }
            Kind::TextEnd => close(&mut self.open_text, &mut self.parts, "text-end", chunk)?,
            Kind::ReasoningEnd => {
                close(&mut self.open_reasoning, &mut self.parts, "reasoning-end", chunk)?;
            }
            Kind::Data => self.data(chunk),
            Kind::SourceUrl
            | Kind::SourceDocument
            | Kind::File
            | Kind::ReasoningFile
            | Kind::Custom
            | Kind::SteeringMessage => {
                self.parts.push(plain_part(kind, chunk));
            }
            Kind::Abort | Kind::Error | Kind::Unknown => {}
            _ => self.push_tool(kind, chunk)?,
        }
        self.seen.content |= is_content(kind);
        Ok(())
    }

    /// The message as the SDK would hold it now.
    pub fn message(&self) -> Value {
        self.clone().into_message()
    }

    pub fn into_message(mut self) -> Value {
        self.inputs.settle_all(&mut self.parts);
        let mut message = Map::new();
        message.insert("id".into(), self.id.into());
        message.insert("role".into(), "assistant".into());
        message.extend(self.metadata.map(|metadata| ("metadata".to_owned(), metadata)));
        message.extend(self.rest);
        message.insert("parts".into(), self.parts.into_vec().into());
        Value::Object(message)
    }

    /// The id in force.
    pub fn message_id(&self) -> &str {
        &self.id
    }

    /// What would have to be closed if the stream ended now.
    pub fn open_parts(&self) -> OpenParts {
        let streaming = |part: &&Value| is_tool(part) && state_of(part) == "input-streaming";
        let inputs = self.parts.as_slice().iter().filter(streaming);
        OpenParts {
            text: by_age(&self.open_text),
            reasoning: by_age(&self.open_reasoning),
            tool_inputs: inputs.filter_map(call_id).map(str::to_owned).collect(),
            step: self.seen.step,
        }
    }

    /// Whether a chunk came that a user could see: any part or data, but not step boundaries,
    /// metadata, `start` or `finish`. What a continued message held before does not count.
    pub fn has_content(&self) -> bool {
        self.seen.content
    }

    fn start(&mut self, chunk: &Value) -> Result<(), ChunkError> {
        if let Some(id) = chunk.get("messageId").and_then(Value::as_str)
            && id != self.id
        {
            let seen = self.seen;
            *self = Self::new(id);
            self.seen = seen;
        }
        self.merge(chunk)?;
        self.seen.start = true;
        Ok(())
    }

    fn merge(&mut self, chunk: &Value) -> Result<(), ChunkError> {
        let new = chunk.get("messageMetadata").unwrap_or(&Value::Null);
        merge_metadata(&mut self.metadata, new)
    }

    fn data(&mut self, chunk: &Value) {
        if flag(chunk, "transient") {
            return;
        }
        let same =
            |part: &Value| type_of(part) == type_of(chunk) && part.get("id") == chunk.get("id");
        let known = chunk.get("id").and_then(|_| self.parts.as_slice().iter().position(same));
        match known {
            Some(at) => set(self.parts.members(at), "data", chunk.get("data").cloned()),
            None => {
                self.parts.push(chunk.clone());
            }
        }
    }
}

fn is_content(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Start
            | Kind::StartStep
            | Kind::FinishStep
            | Kind::ResetStep
            | Kind::Finish
            | Kind::Abort
            | Kind::Error
            | Kind::MessageMetadata
            | Kind::Unknown
    )
}

fn by_age(open: &HashMap<String, usize>) -> Vec<String> {
    let mut ids: Vec<_> = open.iter().collect();
    ids.sort_by_key(|(_, at)| **at);
    ids.into_iter().map(|(id, _)| id.clone()).collect()
}

fn open(ids: &mut HashMap<String, usize>, parts: &mut Parts, name: &str, chunk: &Value) {
    let mut part = Map::new();
    part.insert("type".into(), name.into());
    if name == "reasoning" {
        part.insert("id".into(), chunk["id"].clone());
    }
    part.insert("text".into(), String::new().into());
    part.insert("state".into(), "streaming".into());
    set_metadata(&mut part, chunk);
    ids.insert(text(chunk, "id").to_owned(), parts.push(Value::Object(part)));
}

fn append(
    ids: &HashMap<String, usize>,
    parts: &mut Parts,
    kind: &'static str,
    chunk: &Value,
) -> Result<(), ChunkError> {
    let id = text(chunk, "id");
    let &at = ids.get(id).ok_or_else(|| ChunkError::NoOpenPart { kind, id: id.to_owned() })?;
    let part = parts.members(at);
    if let Some(Value::String(so_far)) = part.get_mut("text") {
        so_far.push_str(text(chunk, "delta"));
    }
    set_metadata(part, chunk);
    Ok(())
}

fn close(
    ids: &mut HashMap<String, usize>,
    parts: &mut Parts,
    kind: &'static str,
    chunk: &Value,
) -> Result<(), ChunkError> {
    let id = text(chunk, "id");
    let at = ids.remove(id).ok_or_else(|| ChunkError::NoOpenPart { kind, id: id.to_owned() })?;
    let part = parts.members(at);
    set(part, "state", Some("done".into()));
    if kind == "text-end"
        && let Some(citations) = given(chunk, "citations")
    {
        set(part, "citations", Some(super::schema::known_members(citations)));
    }
    set_metadata(part, chunk);
    Ok(())
}

fn set_metadata(part: &mut Map<String, Value>, chunk: &Value) {
    if let Some(metadata) = given(chunk, "providerMetadata") {
        set(part, "providerMetadata", Some(metadata.clone()));
    }
}

/// A part that repeats named members of its chunk.
fn plain_part(kind: Kind, chunk: &Value) -> Value {
    let members: &[&str] = match kind {
        Kind::SourceUrl => &["sourceId", "url", "title"],
        Kind::SourceDocument => &["sourceId", "mediaType", "title", "filename"],
        Kind::Custom => &["kind"],
        Kind::SteeringMessage => &["id", "parts"],
        _ => &["mediaType", "url"],
    };
    let members = ["type"].iter().chain(members).chain(
        // A steering message has no metadata of its own.
        (kind != Kind::SteeringMessage).then_some(&"providerMetadata"),
    );
    members.filter_map(|key| Some(((*key).to_owned(), chunk.get(*key)?.clone()))).collect()
}

#[cfg(test)]
mod tests;
