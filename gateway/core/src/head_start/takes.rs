//! What an agent can go on from, by what it registered (R-HDS-26). Pure.

use std::sync::Arc;

use serde_json::Value;

use crate::agents::TakesOver;
use crate::seams::ToolSchema;

impl TakesOver {
    /// What both take over.
    pub fn least(&self, other: &Self) -> Self {
        let (calls, tools) = (self.calls && other.calls, common(&self.tools, &other.tools));
        Self { calls, tools }
    }

    /// Can it go on from `message`? The calls that wait for the agent must be of its tools.
    pub fn fits(&self, message: &Value) -> bool {
        let knows =
            |name: &str| self.tools.iter().any(|tool| tool.name == name && !tool.needs_approval);
        waiting(message).all(|name| self.calls && name.is_some_and(knows))
    }
}

/// The tools of `one` that `other` has, too. A call needs an approval if either asks for it.
pub(super) fn common(one: &[ToolSchema], other: &[ToolSchema]) -> Arc<[ToolSchema]> {
    let both = one.iter().filter_map(|tool| {
        let twin = other.iter().find(|twin| twin.name == tool.name)?;
        let needs_approval = tool.needs_approval || twin.needs_approval;
        Some(ToolSchema { needs_approval, ..tool.clone() })
    });
    both.collect()
}

/// The names of the tools whose calls nobody has executed, in the parts of a message.
fn waiting(message: &Value) -> impl Iterator<Item = Option<&str>> {
    let parts = message["parts"].as_array().into_iter().flatten();
    let open =
        |part: &&Value| part["state"] == "input-available" && part["providerExecuted"] != true;
    parts.filter(open).map(|part| match part["type"].as_str() {
        Some("dynamic-tool") => part["toolName"].as_str(),
        kind => kind.and_then(|kind| kind.strip_prefix("tool-")),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn takes(calls: bool, tools: &[(&str, bool)]) -> TakesOver {
        let tool = |(name, needs_approval): &(&str, bool)| ToolSchema {
            name: (*name).to_owned(),
            description: None,
            parameters: json!({}),
            needs_approval: *needs_approval,
        };
        TakesOver { calls, tools: tools.iter().map(tool).collect() }
    }

    #[test]
    fn the_least_is_what_both_take_over() {
        let (all, some) = (
            takes(true, &[("a", false), ("b", false), ("c", true)]),
            takes(true, &[("b", true), ("c", false), ("d", false)]),
        );
        let least = takes(true, &[("b", true), ("c", true)]);
        assert_eq!((all.least(&some), some.least(&all)), (least.clone(), least));
        assert_eq!(all.least(&all), all);
        assert!(!all.least(&takes(false, &[])).calls);
    }

    #[test]
    fn calls_that_wait_must_be_of_tools_that_the_agent_has() {
        let call = |name: &str, state: &str| json!({"type": name, "state": state});
        let message = |parts: Value| json!({"id": "m", "role": "assistant", "parts": parts});
        let text = message(json!([{"type": "text", "text": "x", "state": "done"}]));
        let done = message(json!([call("tool-x", "output-available"), {"type": "tool-y",
            "state": "input-available", "providerExecuted": true}]));
        let of_a = message(json!([call("tool-a", "input-available")]));
        let dynamic = message(json!([{"type": "dynamic-tool", "toolName": "a",
            "state": "input-available"}]));
        let both =
            message(json!([call("tool-a", "input-available"), call("tool-b", "input-available")]));
        let fits = |takes: TakesOver| {
            [&text, &done, &of_a, &dynamic, &both].map(|message| takes.fits(message))
        };
        assert_eq!(fits(takes(true, &[("a", false), ("b", false)])), [true; 5]);
        assert_eq!(fits(takes(true, &[("a", false)])), [true, true, true, true, false]);
        assert_eq!(fits(takes(true, &[("a", true)])), [true, true, false, false, false]);
        assert_eq!(fits(takes(false, &[("a", false)])), [true, true, false, false, false]);
    }
}
