//! Tool parts: how tool chunks change them.

use serde_json::{Map, Value, json};

use super::parts::{DYNAMIC_TOOL, Parts, given, has_call_id, is_dynamic_tool, is_static_tool, set};

/// What one chunk says about a tool part. `None` stands for JavaScript's `undefined`.
#[derive(Debug, Default)]
pub(super) struct ToolUpdate<'a> {
    pub(super) call_id: &'a str,
    pub(super) name: &'a str,
    pub(super) dynamic: bool,
    pub(super) state: &'static str,
    pub(super) input: Option<Value>,
    pub(super) raw_input: Option<Value>,
    pub(super) encoding: Option<Value>,
    pub(super) output: Option<Value>,
    pub(super) error_text: Option<Value>,
    pub(super) preliminary: Option<Value>,
    pub(super) title: Option<Value>,
    pub(super) tool_metadata: Option<Value>,
    pub(super) provider_executed: Option<Value>,
    pub(super) provider_metadata: Option<Value>,
}

impl<'a> ToolUpdate<'a> {
    /// An update with the fields that most tool chunks share.
    pub(super) fn from_chunk(chunk: &'a Value, state: &'static str) -> Self {
        Self {
            call_id: super::chunk::text(chunk, "toolCallId"),
            name: super::chunk::text(chunk, "toolName"),
            state,
            input: chunk.get("input").cloned(),
            title: chunk.get("title").cloned(),
            tool_metadata: chunk.get("toolMetadata").cloned(),
            provider_executed: chunk.get("providerExecuted").cloned(),
            provider_metadata: given(chunk, "providerMetadata").cloned(),
            ..Self::default()
        }
    }

    /// Updates the call's part in the current step, or appends one. Returns its index, and
    /// whether it is new.
    pub(super) fn apply(self, parts: &mut Parts) -> (usize, bool) {
        let same_kind = if self.dynamic { is_dynamic_tool } else { is_static_tool };
        let id = self.call_id;
        match parts.find_in_step(|part| same_kind(part) && has_call_id(part, id)) {
            Some(at) => {
                self.change(parts.members(at));
                (at, false)
            }
            None => (parts.push(self.into_part()), true),
        }
    }

    fn change(self, part: &mut Map<String, Value>) {
        if self.dynamic {
            set(part, "toolName", Some(self.name.into()));
        } else if part["type"].as_str().and_then(|t| t.strip_prefix("tool-")) != Some(self.name) {
            set(part, "type", Some(format!("tool-{}", self.name).into()));
        }
        let metadata_key = self.metadata_key();
        set(part, "state", Some(self.state.into()));
        set(part, "input", self.input);
        set(part, "output", self.output);
        set(part, "errorText", self.error_text);
        set(part, "rawInput", self.raw_input);
        set(part, "inputEncoding", self.encoding.filter(|e| !e.is_null()));
        set(part, "preliminary", self.preliminary);
        let kept = [
            ("title", self.title),
            ("toolMetadata", self.tool_metadata),
            ("providerExecuted", self.provider_executed),
            (metadata_key, self.provider_metadata),
        ];
        for (key, value) in kept {
            if value.is_some() {
                set(part, key, value);
            }
        }
    }

    fn into_part(self) -> Value {
        let metadata_key = self.metadata_key();
        let mut part = Map::new();
        if self.dynamic {
            part.insert("type".into(), DYNAMIC_TOOL.into());
            part.insert("toolName".into(), self.name.into());
        } else {
            part.insert("type".into(), format!("tool-{}", self.name).into());
        }
        part.insert("toolCallId".into(), self.call_id.into());
        part.insert("state".into(), self.state.into());
        let rest = [
            ("title", self.title),
            ("toolMetadata", self.tool_metadata),
            ("input", self.input),
            ("inputEncoding", self.encoding.filter(|e| !e.is_null())),
            ("output", self.output),
            // The SDK forgets the raw input when a dynamic part begins with it.
            ("rawInput", self.raw_input.filter(|_| !self.dynamic)),
            ("errorText", self.error_text),
            ("providerExecuted", self.provider_executed),
            ("preliminary", self.preliminary),
            (metadata_key, self.provider_metadata),
        ];
        part.extend(rest.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
        Value::Object(part)
    }

    fn metadata_key(&self) -> &'static str {
        match self.state {
            "output-available" | "output-error" => "resultProviderMetadata",
            _ => "callProviderMetadata",
        }
    }
}

/// `tool-output-available` and `tool-output-error` on the part they answer.
pub(super) fn answer(part: &mut Map<String, Value>, chunk: &Value, state: &'static str) {
    let dynamic = part.get("type").and_then(Value::as_str) == Some(DYNAMIC_TOOL);
    let failed = state == "output-error";
    set(part, "state", Some(state.into()));
    set(part, "output", chunk.get("output").cloned().filter(|_| !failed));
    set(part, "errorText", chunk.get("errorText").cloned().filter(|_| failed));
    set(part, "preliminary", chunk.get("preliminary").cloned().filter(|_| !failed));
    set(part, "inputEncoding", None);
    if dynamic || !failed {
        set(part, "rawInput", None);
    }
    let kept = [
        ("toolMetadata", "toolMetadata"),
        ("providerExecuted", "providerExecuted"),
        ("providerMetadata", "resultProviderMetadata"),
    ];
    for (from, to) in kept {
        if let Some(value) = given(chunk, from) {
            set(part, to, Some(value.clone()));
        }
    }
}

/// `tool-approval-request` on the part that needs it.
pub(super) fn request_approval(part: &mut Map<String, Value>, chunk: &Value) {
    let mut approval = Map::new();
    approval.insert("id".into(), chunk["approvalId"].clone());
    let mut copy = |to: &str, value: Option<&Value>| {
        approval.extend(value.map(|value| (to.to_owned(), value.clone())));
    };
    copy("descriptor", given(chunk, "approvalDescriptor"));
    copy("inputSchemaInput", chunk.get("inputSchemaInput"));
    copy("requestReason", given(chunk, "reason"));
    copy("isAutomatic", chunk.get("isAutomatic").filter(|flag| **flag == Value::Bool(true)));
    copy("signature", given(chunk, "signature"));
    set(part, "state", Some("approval-requested".into()));
    set(part, "approval", Some(Value::Object(approval)));
}

/// `tool-approval-response` on the part whose approval it names.
pub(super) fn respond_approval(part: &mut Map<String, Value>, chunk: &Value) {
    set(part, "state", Some("approval-responded".into()));
    let approval = part.entry("approval").or_insert_with(|| json!({}));
    if let Some(approval) = approval.as_object_mut() {
        set(approval, "id", Some(chunk["approvalId"].clone()));
        set(approval, "approved", Some(chunk["approved"].clone()));
        if let Some(reason) = given(chunk, "reason") {
            set(approval, "reason", Some(reason.clone()));
        }
    }
    for (from, to) in
        [("providerExecuted", "providerExecuted"), ("providerMetadata", "callProviderMetadata")]
    {
        if let Some(value) = given(chunk, from) {
            set(part, to, Some(value.clone()));
        }
    }
}
