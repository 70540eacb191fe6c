//! Tools as a model is told of them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tidegate_protocol::limits::TOOL_NAME_MAX_CHARS;

/// A tool that the model of a head start's step may call. Serialized as `{name, description?,
/// parameters}`: whether a call needs an approval is not for the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolSchema {
    /// 1 to `TOOL_NAME_MAX_CHARS` of `A-Z a-z 0-9 _ . : -`.
    pub name: String,
    /// Tells the model what it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON schema of the input, an object; the default takes no arguments.
    #[serde(default = "no_parameters")]
    pub parameters: Value,
    /// Must a user approve each call?
    #[serde(default, skip_serializing)]
    pub needs_approval: bool,
}

impl ToolSchema {
    /// Why it can't stand in a list behind `earlier`, if it can't (R-HDS-22).
    pub fn check(&self, earlier: &[Self]) -> Result<(), String> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
        let name = &self.name;
        if !(1..=TOOL_NAME_MAX_CHARS).contains(&name.len()) || !name.bytes().all(fits) {
            return Err(format!("`name` must be 1 to {TOOL_NAME_MAX_CHARS} of A-Za-z0-9_.:-"));
        }
        if earlier.iter().any(|other| other.name == *name) {
            return Err(format!("another tool is called `{name}` already"));
        }
        match self.parameters.is_object() {
            true => Ok(()),
            false => Err("`parameters` must be an object, a JSON schema".to_owned()),
        }
    }
}

fn no_parameters() -> Value {
    json!({"type": "object", "properties": {}})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(value: Value) -> ToolSchema {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_name_and_a_schema_make_a_tool() {
        let bare = tool(json!({"name": "a.b:c_d-1"}));
        assert_eq!(bare.check(&[]), Ok(()));
        let told = json!({"name": "a.b:c_d-1", "parameters": no_parameters()});
        assert_eq!(serde_json::to_value(&bare).unwrap(), told);
        let asking = tool(json!({"name": "x", "description": "d", "needs_approval": true}));
        assert!(asking.needs_approval);
        let told = json!({"name": "x", "description": "d", "parameters": no_parameters()});
        assert_eq!(serde_json::to_value(&asking).unwrap(), told);
    }

    #[test]
    fn what_no_model_could_call_is_refused() {
        for name in ["", "a b", "\u{e9}", &"x".repeat(TOOL_NAME_MAX_CHARS + 1)] {
            assert!(tool(json!({"name": name})).check(&[]).unwrap_err().contains("`name`"));
        }
        let other = tool(json!({"name": "x"}));
        let twice = other.check(std::slice::from_ref(&other)).unwrap_err();
        assert_eq!(twice, "another tool is called `x` already");
        let list = tool(json!({"name": "x", "parameters": []}));
        assert!(list.check(&[]).unwrap_err().contains("`parameters`"));
    }
}
