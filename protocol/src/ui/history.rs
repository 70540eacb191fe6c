//! How an input changes the list of a chat's messages, before the model sees it.
//!
//! Rules: `trigger-agent` §1.7 (merge, no-op) and `trigger-client` §4.7 (slim answers).

use serde_json::{Map, Value};

use super::parts::{call_id, has_call_id, is_step_start, is_tool, set, state_of};

/// What an upsert did to the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new message is at the end.
    Appended,
    /// A message of the user's was edited in place.
    Replaced,
    /// A tool call of an assistant message was answered, or an approval was.
    Answered,
    /// Everything was known already.
    Unchanged,
}

/// Why an input can't be applied to the list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    #[error("a message must be an object with a string `id`, a `role` and an array `parts`")]
    NotAMessage,
    #[error("message \"{0}\" is there under another role")]
    RoleMismatch(String),
    #[error("no message \"{0}\"")]
    UnknownMessage(String),
}

/// Appends a new message, replaces a known one of the user's, or lays the answered tool calls of
/// an assistant message over the stored ones.
///
/// An answer finds its call by `toolCallId`, in the message it names or in the newest that has it.
/// A call's state only moves forward, and its input stays the stored one.
pub fn upsert_message(messages: &mut Vec<Value>, message: Value) -> Result<Change, HistoryError> {
    let (id, role) = head(&message).ok_or(HistoryError::NotAMessage)?;
    let known = messages.iter().position(|stored| text(stored, "id") == Some(id));
    if let Some(at) = known
        && text(&messages[at], "role") != Some(role)
    {
        return Err(HistoryError::RoleMismatch(id.to_owned()));
    }
    if role == "assistant"
        && let Some(change) = answer_calls(messages, known, &message)
    {
        return Ok(change);
    }
    Ok(match known {
        None => {
            messages.push(message);
            Change::Appended
        }
        Some(at) if messages[at] == message => Change::Unchanged,
        Some(at) => {
            messages[at] = message;
            Change::Replaced
        }
    })
}

/// Drops what an answer must be generated anew for: from an assistant message on, or what follows
/// a user's; without an id, everything after the last message of the user's.
pub fn regenerate(messages: &mut Vec<Value>, message_id: Option<&str>) -> Result<(), HistoryError> {
    let keep = match message_id {
        None => messages.iter().rposition(|m| text(m, "role") == Some("user")).map_or(0, |n| n + 1),
        Some(id) => {
            let at = messages.iter().position(|stored| text(stored, "id") == Some(id));
            let at = at.ok_or_else(|| HistoryError::UnknownMessage(id.to_owned()))?;
            at + usize::from(text(&messages[at], "role") != Some("assistant"))
        }
    };
    messages.truncate(keep);
    Ok(())
}

/// Whether a submit leaves nothing to do: it changed nothing, and what the model would see last is
/// its own words (not the result of a tool, which it has yet to comment on).
pub fn is_noop_submit(messages: &[Value], change: Change) -> bool {
    let Some(last) = messages.last() else { return false };
    change == Change::Unchanged
        && text(last, "role") == Some("assistant")
        && !awaits_model(last["parts"].as_array().map_or(&[], Vec::as_slice))
}

fn text<'a>(message: &'a Value, key: &str) -> Option<&'a str> {
    message.get(key).and_then(Value::as_str)
}

fn head(message: &Value) -> Option<(&str, &str)> {
    let parts = message.get("parts")?.as_array()?;
    parts.iter().all(Value::is_object).then_some(())?;
    Some((text(message, "id")?, text(message, "role")?))
}

/// Whether the last step that says anything ends in tool results.
fn awaits_model(parts: &[Value]) -> bool {
    let silent = |part: &Value| {
        is_step_start(part) || text(part, "type").is_none_or(|name| name.starts_with("data-"))
    };
    let step = parts.split(is_step_start).rfind(|step| !step.iter().all(silent));
    step.unwrap_or_default().iter().any(|part| {
        is_tool(part) && is_answer(part) && part["providerExecuted"] != Value::Bool(true)
    })
}

/// `None` where no stored assistant message is meant.
fn answer_calls(messages: &mut [Value], known: Option<usize>, new: &Value) -> Option<Change> {
    let mut met = known.is_some();
    let mut change = Change::Unchanged;
    for part in new["parts"].as_array().into_iter().flatten().filter(|part| is_tool(part)) {
        let Some(stored) = find_call(messages, known, call_id(part)?) else { continue };
        met = true;
        if advance(stored, part) {
            change = Change::Answered;
        }
    }
    met.then_some(change)
}

fn find_call<'a>(
    messages: &'a mut [Value],
    known: Option<usize>,
    id: &str,
) -> Option<&'a mut Map<String, Value>> {
    let has_call = |message: &Value| {
        let parts = message["parts"].as_array().map_or(&[][..], Vec::as_slice);
        let of_agent = text(message, "role") == Some("assistant");
        of_agent.then(|| parts.iter().rposition(|p| is_tool(p) && has_call_id(p, id)))?
    };
    let newest = (0..messages.len()).rev();
    let mut found =
        known.into_iter().chain(newest).filter_map(|m| Some((m, has_call(&messages[m])?)));
    let (message, part) = found.next()?;
    messages[message]["parts"][part].as_object_mut()
}

fn is_answer(part: &Value) -> bool {
    const ANSWERS: [&str; 4] =
        ["approval-responded", "output-available", "output-error", "output-denied"];
    ANSWERS.contains(&state_of(part))
}

/// How far a call has come.
fn rank(state: &str, preliminary: bool) -> u8 {
    match state {
        "input-streaming" => 0,
        "input-available" => 1,
        "approval-requested" => 2,
        "output-available" if preliminary => 3,
        "approval-responded" => 3,
        _ => 4,
    }
}

/// Lays an answer over its call, if that is a step forward.
fn advance(stored: &mut Map<String, Value>, answer: &Value) -> bool {
    let state = |part: &Map<String, Value>| {
        let name = part.get("state").and_then(Value::as_str).unwrap_or_default();
        rank(name, part.get("preliminary") == Some(&Value::Bool(true)))
    };
    let Some(new) = answer.as_object().filter(|_| is_answer(answer)) else { return false };
    let asked = stored.get("approval").and_then(|approval| approval["id"].as_str());
    let other_question = asked.zip(answer["approval"]["id"].as_str()).is_some_and(|(a, b)| a != b);
    if state(new) <= state(stored) || other_question {
        return false;
    }
    for key in ["output", "errorText", "preliminary", "inputEncoding", "rawInput"] {
        set(stored, key, None);
    }
    let payload: &[&str] = match state_of(answer) {
        "output-available" => &["state", "output"],
        "output-error" => &["state", "errorText"],
        _ => &["state"],
    };
    for key in payload {
        set(stored, key, Some(answer.get(*key).cloned().unwrap_or_default()));
    }
    if !stored.contains_key("input") {
        set(stored, "input", new.get("input").cloned());
    }
    if let Some(Value::Object(approval)) = new.get("approval") {
        match stored.get_mut("approval") {
            Some(Value::Object(known)) => known.extend(approval.clone()),
            _ => set(stored, "approval", Some(Value::Object(approval.clone()))),
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn chat() -> Vec<Value> {
        vec![
            json!({"id": "u1", "role": "user", "parts": [{"type": "text", "text": "hi"}]}),
            json!({"id": "a1", "role": "assistant", "parts": [
                {"type": "step-start"},
                {"type": "text", "text": "let me look", "state": "done"},
                {"type": "tool-search", "toolCallId": "c1", "state": "input-available",
                 "input": {"q": 1}},
                {"type": "dynamic-tool", "toolName": "rm", "toolCallId": "c2",
                 "state": "approval-requested", "input": {},
                 "approval": {"id": "p1", "signature": "s"}},
            ]}),
        ]
    }

    fn slim(id: &str, parts: Value) -> Value {
        json!({"id": id, "role": "assistant", "parts": parts})
    }

    fn output(call: &str) -> Value {
        json!([{"type": "tool-search", "toolCallId": call, "state": "output-available",
            "output": 7}])
    }

    #[test]
    fn users_messages_are_appended_or_edited() {
        let mut messages = chat();
        let edit = json!({"id": "u1", "role": "user", "parts": []});
        let new = json!({"id": "u2", "role": "user", "parts": []});
        assert_eq!(upsert_message(&mut messages, edit.clone()), Ok(Change::Replaced));
        assert_eq!(upsert_message(&mut messages, edit.clone()), Ok(Change::Unchanged));
        assert_eq!(upsert_message(&mut messages, new.clone()), Ok(Change::Appended));
        assert_eq!((&messages[0], &messages[2]), (&edit, &new));
        let other_role = json!({"id": "a1", "role": "user", "parts": []});
        assert_eq!(
            upsert_message(&mut messages, other_role),
            Err(HistoryError::RoleMismatch("a1".into()))
        );
        assert_eq!(upsert_message(&mut messages, json!([])), Err(HistoryError::NotAMessage));
    }

    #[test]
    fn an_answer_is_laid_over_its_call_once() {
        for id in ["a1", "made-up-by-the-client"] {
            let mut messages = chat();
            assert_eq!(upsert_message(&mut messages, slim(id, output("c1"))), Ok(Change::Answered));
            let part = json!({"type": "tool-search", "toolCallId": "c1", "input": {"q": 1},
                "state": "output-available", "output": 7});
            assert_eq!(messages.len(), 2);
            assert_eq!(messages[1]["parts"][2], part);
            assert_eq!(messages[1]["parts"][1]["text"], "let me look");
            let again = upsert_message(&mut messages, slim(id, output("c1")));
            assert_eq!(again, Ok(Change::Unchanged));
        }
        let mut messages = chat();
        let stranger = upsert_message(&mut messages, slim("a9", output("c9")));
        assert_eq!((stranger, messages.len()), (Ok(Change::Appended), 3));
    }

    #[test]
    fn approvals_move_forward_and_keep_what_was_asked() {
        let answer = |approval: &str, approved: bool| {
            slim(
                "a1",
                json!([{"type": "dynamic-tool", "toolName": "rm", "toolCallId": "c2",
                    "state": "approval-responded",
                    "approval": {"id": approval, "approved": approved}}]),
            )
        };
        let mut messages = chat();
        let mut upsert = |message| upsert_message(&mut messages, message);
        assert_eq!(upsert(answer("stale", true)), Ok(Change::Unchanged));
        assert_eq!(upsert(answer("p1", true)), Ok(Change::Answered));
        assert_eq!(upsert(answer("p1", false)), Ok(Change::Unchanged));
        assert_eq!(
            messages[1]["parts"][3]["approval"],
            json!({"id": "p1", "signature": "s", "approved": true})
        );
    }

    #[test]
    fn regenerate_drops_the_answer() {
        let ids = |message_id: Option<&str>| {
            let mut messages = chat();
            messages.push(json!({"id": "u2", "role": "user", "parts": []}));
            messages.push(json!({"id": "a2", "role": "assistant", "parts": []}));
            regenerate(&mut messages, message_id).map(|()| messages.len())
        };
        assert_eq!(ids(None), Ok(3));
        assert_eq!(ids(Some("a1")), Ok(1));
        assert_eq!(ids(Some("u2")), Ok(3));
        assert_eq!(ids(Some("x")), Err(HistoryError::UnknownMessage("x".into())));
    }

    #[test]
    fn a_submit_is_a_noop_when_the_model_had_the_last_word() {
        let mut messages = chat();
        assert!(is_noop_submit(&messages, Change::Unchanged));
        assert!(!is_noop_submit(&messages, Change::Answered));
        upsert_message(&mut messages, slim("a1", output("c1"))).unwrap();
        // The answer is there, the model has not seen it: a run that died before must be repeated.
        assert!(!is_noop_submit(&messages, Change::Unchanged));
        let parts = messages[1]["parts"].as_array_mut().unwrap();
        parts.extend([json!({"type": "step-start"}), json!({"type": "text", "text": "seven"})]);
        assert!(is_noop_submit(&messages, Change::Unchanged));
        messages.push(json!({"id": "u2", "role": "user", "parts": []}));
        assert!(!is_noop_submit(&messages, Change::Unchanged));
    }
}
