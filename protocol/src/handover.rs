//! The `.in` records that end a head start (R-HDS-3, R-HDS-4), in the published SDK's words.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ui::to_model_messages;

/// The body that gives a head start up: the agent answers by itself.
pub const SKIP: &str = r#"{"kind":"handover-skip"}"#;

/// The body that hands over: the agent goes on where the first step ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Handover {
    /// The answer so far, as `ModelMessage`s. Where it is not final, each call that the agent has
    /// to execute is approved already: published agents execute such calls, and only such.
    pub partial: Vec<Value>,
    /// The id of the answer's message, which what follows continues.
    pub message_id: Option<String>,
    /// Is it the whole answer?
    pub is_final: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    kind: Kind,
    #[serde(default)]
    partial_assistant_message: Cow<'a, [Value]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message_id: Option<Cow<'a, str>>,
    is_final: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Handover,
}

impl Handover {
    /// Hands over `message`, the assistant's UIMessage so far.
    pub fn of(message: &Value, is_final: bool) -> Self {
        let mut partial = to_model_messages(message);
        if !is_final {
            approve(&mut partial);
        }
        let message_id = message["id"].as_str().map(str::to_owned);
        Self { partial, message_id, is_final }
    }

    /// The body, as JSON.
    pub fn render(&self) -> String {
        let wire = Wire {
            kind: Kind::Handover,
            partial_assistant_message: self.partial.as_slice().into(),
            message_id: self.message_id.as_deref().map(Into::into),
            is_final: self.is_final,
        };
        serde_json::to_string(&wire).expect("JSON values with string keys are valid JSON")
    }

    /// Reads a body; `None` if it is not a hand-over, or one without a boolean `isFinal`.
    pub fn parse(text: &str) -> Option<Self> {
        let wire: Wire<'_> = serde_json::from_str(text).ok()?;
        Some(Self {
            partial: wire.partial_assistant_message.into_owned(),
            message_id: wire.message_id.map(Into::into),
            is_final: wire.is_final,
        })
    }
}

/// Asks for and gives the approval of every call that waits for the agent: it has no result, and
/// is not its provider's to execute.
fn approve(messages: &mut Vec<Value>) {
    let parts = messages.iter().flat_map(content);
    let settled = parts.filter(|part| part["type"] == "tool-result");
    let settled: HashSet<String> = settled.filter_map(call_id).map(str::to_owned).collect();
    let mut responses = Vec::new();
    for message in messages.iter_mut() {
        let open = |part: &&Value| {
            part["type"] == "tool-call"
                && part["providerExecuted"] != true
                && call_id(part).is_some_and(|id| !settled.contains(id))
        };
        let calls: Vec<Value> =
            content(message).filter(open).map(|call| call["toolCallId"].clone()).collect();
        let Some(content) = message["content"].as_array_mut() else { continue };
        for call in calls {
            let approval = format!("handover-approval-{}", responses.len() + 1);
            content.push(json!({
                "type": "tool-approval-request", "approvalId": approval, "toolCallId": call,
            }));
            responses.push(json!({
                "type": "tool-approval-response", "approvalId": approval, "approved": true,
            }));
        }
    }
    if !responses.is_empty() {
        messages.push(json!({"role": "tool", "content": responses}));
    }
}

fn content(message: &Value) -> impl Iterator<Item = &Value> {
    message["content"].as_array().into_iter().flatten()
}

fn call_id(part: &Value) -> Option<&str> {
    part["toolCallId"].as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the published SDK appends behind a step with a call.
    const CALL: &str = concat!(
        r#"{"kind":"handover","partialAssistantMessage":[{"role":"assistant","content":["#,
        r#"{"type":"text","text":"Let me"},"#,
        r#"{"type":"tool-call","toolCallId":"tc1","toolName":"search","input":{"q":"x"}},"#,
        r#"{"type":"tool-approval-request","approvalId":"handover-approval-1","#,
        r#""toolCallId":"tc1"}]},"#,
        r#"{"role":"tool","content":[{"type":"tool-approval-response","#,
        r#""approvalId":"handover-approval-1","approved":true}]}],"#,
        r#""messageId":"O27aGA5AzKjlcCo2","isFinal":false}"#,
    );
    /// And behind one that is the answer.
    const TEXT: &str = concat!(
        r#"{"kind":"handover","partialAssistantMessage":[{"role":"assistant","content":["#,
        r#"{"type":"text","text":"Hello world"}]}],"messageId":"m1","isFinal":true}"#,
    );

    fn message(id: &str, mut parts: Vec<Value>) -> Value {
        parts.insert(0, json!({"type": "step-start"}));
        json!({"id": id, "role": "assistant", "parts": parts})
    }

    fn text(text: &str) -> Value {
        json!({"type": "text", "text": text, "state": "done"})
    }

    fn call(id: &str) -> Value {
        json!({"type": "tool-search", "toolCallId": id, "state": "input-available",
            "input": {"q": "x"}})
    }

    #[test]
    fn hand_overs_are_the_published_ones() {
        let with_call = message("O27aGA5AzKjlcCo2", vec![text("Let me"), call("tc1")]);
        assert_eq!(Handover::of(&with_call, false).render(), CALL);
        let whole = message("m1", vec![text("Hello world")]);
        assert_eq!(Handover::of(&whole, true).render(), TEXT);
    }

    #[test]
    fn what_was_rendered_is_read_again() {
        for published in [CALL, TEXT] {
            assert_eq!(Handover::parse(published).expect("one").render(), published);
        }
        let bare = Handover::parse(r#"{"kind":"handover","isFinal":true,"x":"\u00e9"}"#);
        let expected = Handover { partial: Vec::new(), message_id: None, is_final: true };
        assert_eq!(bare, Some(expected));
        for other in [SKIP, "{", "[]", r#"{"kind":"handover"}"#, r#"{"isFinal":true}"#] {
            assert_eq!(Handover::parse(other), None, "{other}");
        }
    }

    #[test]
    fn only_calls_without_a_result_are_approved() {
        let mut done = call("tc1");
        done["state"] = "output-available".into();
        done["output"] = 1.into();
        let mut own = done.clone();
        (own["toolCallId"], own["providerExecuted"]) = ("tc2".into(), true.into());
        let mut late = call("tc5");
        late["providerExecuted"] = true.into();
        let message = message("m1", vec![done, own, call("tc3"), call("tc4"), late]);
        let partial = Handover::of(&message, false).partial;
        let kinds = |message: &Value| -> Vec<String> {
            content(message).map(|part| part["type"].as_str().expect("text").to_owned()).collect()
        };
        let (call, request) = ("tool-call", "tool-approval-request");
        let said = [call, call, "tool-result", call, call, call, request, request];
        assert_eq!(kinds(&partial[0]), said);
        assert_eq!(kinds(&partial[1]), ["tool-result"]);
        assert_eq!(kinds(&partial[2]), ["tool-approval-response"; 2]);
        let asked: Vec<_> = content(&partial[0]).skip(6).filter_map(call_id).collect();
        assert_eq!(asked, ["tc3", "tc4"]);
    }

    #[test]
    fn text_alone_needs_no_approval() {
        let message = message("m1", vec![text("so far")]);
        assert_eq!(Handover::of(&message, false).partial.len(), 1);
    }
}
