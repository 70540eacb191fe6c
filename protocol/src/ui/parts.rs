//! Questions about message parts, and the list of them with its step boundary.

use serde_json::{Map, Value};

use super::chunk::type_of;

pub(super) const DYNAMIC_TOOL: &str = "dynamic-tool";
const STATIC_TOOL: &str = "tool-";

/// Whether a part is a call of a tool that the agent's code declares (`tool-NAME`).
pub(super) fn is_static_tool(part: &Value) -> bool {
    type_of(part).is_some_and(|name| name.starts_with(STATIC_TOOL))
}

pub(super) fn is_dynamic_tool(part: &Value) -> bool {
    type_of(part) == Some(DYNAMIC_TOOL)
}

pub(super) fn is_tool(part: &Value) -> bool {
    is_static_tool(part) || is_dynamic_tool(part)
}

pub(super) fn is_step_start(part: &Value) -> bool {
    type_of(part) == Some("step-start")
}

/// The tool's name, wherever its kind of part keeps it. Empty for a part that is no tool call.
pub(super) fn tool_name(part: &Value) -> &str {
    match type_of(part) {
        Some(DYNAMIC_TOOL) => part.get("toolName").and_then(Value::as_str).unwrap_or_default(),
        Some(name) => name.strip_prefix(STATIC_TOOL).unwrap_or_default(),
        None => "",
    }
}

pub(super) fn state_of(part: &Value) -> &str {
    part.get("state").and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn call_id(part: &Value) -> Option<&str> {
    part.get("toolCallId").and_then(Value::as_str)
}

pub(super) fn has_call_id(part: &Value, id: &str) -> bool {
    call_id(part) == Some(id)
}

/// A value that is there and not `null`: what JavaScript's `??` and `!= null` ask.
pub(super) fn given<'a>(map: &'a Value, key: &str) -> Option<&'a Value> {
    map.get(key).filter(|value| !value.is_null())
}

/// Sets a key, or removes it: an `undefined` property is none in JSON.
pub(super) fn set(part: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    match value {
        None => {
            part.shift_remove(key);
        }
        Some(value) => match part.get_mut(key) {
            Some(slot) => *slot = value,
            None => {
                part.insert(key.to_owned(), value);
            }
        },
    }
}

/// The parts of the message. All are objects with a string `type`.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    list: Vec<Value>,
    /// Index of the first part of the current step.
    step: usize,
}

impl Parts {
    pub(super) fn new(list: Vec<Value>) -> Self {
        let step = list.iter().rposition(is_step_start).map_or(0, |at| at + 1);
        Self { list, step }
    }

    pub(super) fn as_slice(&self) -> &[Value] {
        &self.list
    }

    /// The parts of the current step.
    pub(super) fn step(&self) -> &[Value] {
        &self.list[self.step..]
    }

    pub(super) fn in_step(&self, at: usize) -> bool {
        at >= self.step
    }

    pub(super) fn into_vec(self) -> Vec<Value> {
        self.list
    }

    /// Appends a part and returns its index.
    pub(super) fn push(&mut self, part: Value) -> usize {
        if is_step_start(&part) {
            self.step = self.list.len() + 1;
        }
        self.list.push(part);
        self.list.len() - 1
    }

    /// The members of the part at an index that this list gave out.
    pub(super) fn members(&mut self, at: usize) -> &mut Map<String, Value> {
        self.list[at].as_object_mut().expect("every part is an object")
    }

    /// Drops the parts of the current step.
    pub(super) fn reset_step(&mut self) {
        self.list.truncate(self.step);
    }

    /// The first part of the current step that fits.
    pub(super) fn find_in_step(&self, fits: impl Fn(&Value) -> bool) -> Option<usize> {
        self.step().iter().position(fits).map(|at| at + self.step)
    }

    /// The part of a tool call: in the current step if it is there, else the newest one.
    pub(super) fn find_call(&self, id: &str) -> Option<usize> {
        let fits = |part: &Value| is_tool(part) && has_call_id(part, id);
        self.find_in_step(fits).or_else(|| self.list[..self.step].iter().rposition(fits))
    }
}
