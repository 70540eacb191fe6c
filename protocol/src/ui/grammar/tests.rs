use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::ui::json_strategy;

/// What the guard writes for those chunks, shortened to `type` or `type:id`.
fn written(guard: &mut Grammar, chunks: Value) -> Vec<String> {
    let Value::Array(chunks) = chunks else { panic!("a list of chunks") };
    let admit = |chunk| guard.admit(chunk).unwrap();
    short(chunks.into_iter().flat_map(admit).collect())
}

fn short(chunks: Vec<Value>) -> Vec<String> {
    let short = |chunk: &Value| {
        let id = ["id", "messageId", "toolCallId"].iter().find_map(|key| chunk[*key].as_str());
        let kind = type_of(chunk).unwrap();
        id.map_or(kind.to_owned(), |id| format!("{kind}:{id}"))
    };
    chunks.iter().map(short).collect()
}

fn tool(kind: &str) -> Value {
    json!({"type": kind, "toolCallId": "c", "toolName": "t", "input": {}, "output": 1})
}

#[test]
fn a_sound_stream_passes_unchanged() {
    let chunks = json!([
        {"type": "start", "messageId": "theirs"},
        {"type": "start-step"},
        {"type": "text-start", "id": "1"},
        {"type": "text-delta", "id": "1", "delta": "x"},
        {"type": "text-end", "id": "1"},
        {"type": "hologram", "id": 5},
        {"type": "finish-step"},
        {"type": "finish", "finishReason": "stop"},
    ]);
    let mut guard = Grammar::new("ours");
    let Value::Array(input) = chunks.clone() else { unreachable!() };
    let out: Vec<Value> = input.into_iter().flat_map(|c| guard.admit(c).unwrap()).collect();
    assert_eq!(Value::from(out), chunks);
    assert_eq!(guard.message_id(), "theirs");
    assert_eq!(guard.close(Close::Finished), [] as [Value; 0]);
}

#[test]
fn what_is_missing_is_put_in() {
    let mut guard = Grammar::new("ours");
    let out = written(
        &mut guard,
        json!([
            {"type": "text-delta", "id": "1", "delta": "x"},
            {"type": "text-end", "id": "2"},
            {"type": "start", "messageId": "late"},
            {"type": "start", "messageMetadata": {"a": 1}},
            {"type": "start-step"},
            {"type": "reasoning-delta", "id": "3", "delta": "x"},
            {"type": "finish"},
            {"type": "text-end", "id": "1"},
        ]),
    );
    let want = [
        "start:ours",
        "text-start:1",
        "text-delta:1",
        "message-metadata",
        "start-step",
        "reasoning-start:3",
        "reasoning-delta:3",
        "text-end:1",
        "reasoning-end:3",
        "finish-step",
        "finish",
    ];
    assert_eq!(out, want);
    assert_eq!(guard.message_id(), "ours");
}

#[test]
fn every_way_to_close_leaves_nothing_streaming() {
    let open = json!([
        {"type": "start"},
        {"type": "start-step"},
        {"type": "text-start", "id": "1"},
        {"type": "tool-input-start", "toolCallId": "c", "toolName": "t", "dynamic": true},
        {"type": "tool-input-delta", "toolCallId": "c", "inputTextDelta": "{\"city\": \"Zü"},
    ]);
    let ends = |how| {
        let mut guard = Grammar::new("m");
        written(&mut guard, open.clone());
        let out = guard.close(how);
        assert_eq!(out[1]["input"], json!({"city": "Zü"}));
        assert_eq!(out[1]["dynamic"], true);
        short(out)
    };
    let settled = ["text-end:1", "tool-input-error:c"];
    assert_eq!(ends(Close::Finished), [&settled[..], &["finish-step", "finish"]].concat());
    assert_eq!(ends(Close::Stopped), [&settled[..], &["abort"]].concat());
    let broken = Close::Interrupted { error_text: "gone" };
    assert_eq!(ends(broken), [&settled[..], &["error"]].concat());
}

#[test]
fn an_empty_stream_closes_too() {
    let close = |how| short(Grammar::new("m").close(how));
    assert_eq!(close(Close::Finished), ["start:m", "finish"]);
    assert_eq!(close(Close::Stopped), [] as [&str; 0]);
    assert_eq!(close(Close::Interrupted { error_text: "x" }), ["error"]);
}

#[test]
fn a_call_is_known_before_it_is_answered() {
    let mut guard = Grammar::new("m");
    let unknown = guard.admit(tool("tool-output-available")).unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "`tool-output-available` chunk names tool call \"c\", which the message does not have"
    );
    let early = json!({"type": "tool-input-delta", "toolCallId": "c", "inputTextDelta": "{"});
    assert!(guard.admit(early.clone()).is_err());
    let approval = json!({"type": "tool-approval-response", "approvalId": "p", "approved": true});
    assert_eq!(
        guard.admit(approval),
        Err(GrammarError::Chunk(ChunkError::UnknownApproval("p".into())))
    );
    let mut input = tool("tool-input-available");
    input["dynamic"] = true.into();
    let mut output = guard.admit(input).and_then(|_| guard.admit(tool("tool-output-available")));
    let output = output.as_mut().unwrap().chunk.take().unwrap();
    assert_eq!(output["dynamic"], true, "ai 5 needs the flag");
    assert_eq!(guard.admit(early), Ok(Admitted::default()), "a late delta is dropped");
}

#[test]
fn what_no_client_can_read_is_refused() {
    let mut guard = Grammar::new("m");
    let polluted = json!({"type": "data-x", "data": {"__proto__": {}}});
    assert_eq!(guard.admit(polluted), Err(GrammarError::ForbiddenKey("data-x".into())));
    assert_eq!(guard.admit(json!([])), Err(GrammarError::Chunk(ChunkError::NotAnObject)));
    assert_eq!(guard.admit(json!({"type": 1})), Err(GrammarError::Chunk(ChunkError::NoType)));
}

#[test]
fn a_repeated_run_does_not_repeat_what_is_visible() {
    let mut visible = Accumulator::new("ours");
    for chunk in [json!({"type": "start", "messageId": "first"}), json!({"type": "start-step"})] {
        visible.push(&chunk).unwrap();
    }
    assert!(!visible.has_content());
    let mut guard = Grammar::resume("first", &visible);
    let again = json!([
        {"type": "start", "messageId": "second"},
        {"type": "start-step"},
        {"type": "text-delta", "id": "1", "delta": "x"},
        {"type": "finish-step"},
        {"type": "start-step"},
    ]);
    let want = ["text-start:1", "text-delta:1", "text-end:1", "finish-step", "start-step"];
    assert_eq!(written(&mut guard, again), want);
    assert_eq!(guard.message_id(), "first");
}

#[test]
fn an_answered_call_goes_on_under_the_same_message() {
    let part = json!({"type": "tool-t", "toolCallId": "c", "state": "input-available"});
    let stored = json!({"id": "m", "role": "assistant", "parts": [part]});
    let visible = Accumulator::resume(stored).unwrap();
    let mut guard = Grammar::resume("m", &visible);
    let chunks = json!([{"type": "start", "messageId": "x"}, tool("tool-output-available")]);
    assert_eq!(written(&mut guard, chunks), ["start:m", "tool-output-available:c"]);
}

proptest! {
    #[test]
    fn any_json_is_passed_or_refused(
        chunks in prop::collection::vec(json_strategy::chunk(), 0..12),
    ) {
        let mut guard = Grammar::new("m");
        let mut visible = Accumulator::new("m");
        for chunk in chunks {
            for out in guard.admit(chunk).into_iter().flatten() {
                visible.push(&out).unwrap();
            }
        }
        for out in guard.close(Close::Stopped) {
            visible.push(&out).unwrap();
        }
        let open = visible.open_parts();
        prop_assert!(open.text.is_empty() && open.reasoning.is_empty());
        prop_assert!(open.tool_inputs.is_empty());
    }
}
