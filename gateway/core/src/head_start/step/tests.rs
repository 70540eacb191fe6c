use serde_json::json;

use super::*;

fn tools() -> Arc<[ToolSchema]> {
    let tool = |name: &str, needs_approval| ToolSchema {
        name: name.to_owned(),
        description: None,
        parameters: json!({"type": "object"}),
        needs_approval,
    };
    [tool("search", false), tool("pay", true)].into()
}

/// What is shown of a step, by type, and its outcome; in one item, or in as many as there are
/// chunks.
fn run(chunks: &[Value], calls_allowed: bool) -> (Vec<String>, Outcome) {
    let chunks: Vec<Chunk> = chunks.iter().cloned().map(Chunk::of).collect();
    let whole = run_items(vec![chunks.clone()], calls_allowed);
    let single = run_items(chunks.into_iter().map(|chunk| vec![chunk]).collect(), calls_allowed);
    assert_eq!(whole, single);
    whole
}

fn run_items(items: Vec<Vec<Chunk>>, calls_allowed: bool) -> (Vec<String>, Outcome) {
    let mut step = Step::new(tools(), calls_allowed);
    let mut all = Vec::new();
    for item in items {
        let (shown, outcome) = step.take(item);
        all.extend(shown);
        if let Some(outcome) = outcome {
            return (kinds(&all), outcome);
        }
    }
    let (shown, outcome) = step.end();
    all.extend(shown);
    (kinds(&all), outcome)
}

fn kinds(chunks: &[Chunk]) -> Vec<String> {
    chunks.iter().map(|chunk| kind(&chunk.value).to_owned()).collect()
}

const STARTS: [&str; 2] = ["start", "start-step"];
const TEXT: [&str; 3] = ["text-start", "text-delta", "text-end"];
const CALL: [&str; 3] = ["tool-input-start", "tool-input-delta", "tool-input-available"];

fn starts() -> Vec<Value> {
    vec![json!({"type": "start", "messageId": "a1"}), json!({"type": "start-step"})]
}

fn text() -> Vec<Value> {
    vec![
        json!({"type": "text-start", "id": "1"}),
        json!({"type": "text-delta", "id": "1", "delta": "hi"}),
        json!({"type": "text-end", "id": "1"}),
    ]
}

fn call(id: &str, name: &str) -> Vec<Value> {
    let known = json!({"toolCallId": id, "toolName": name, "input": {}});
    CALL.map(|kind| {
        let mut chunk = known.clone();
        (chunk["type"], chunk["inputTextDelta"]) = (kind.into(), "{}".into());
        chunk
    })
    .into()
}

fn provided(mut chunks: Vec<Value>) -> Vec<Value> {
    chunks.iter_mut().for_each(|chunk| chunk["providerExecuted"] = true.into());
    chunks
}

fn chunk(kind: &str, id: &str) -> Vec<Value> {
    vec![json!({"type": kind, "toolCallId": id, "output": 1, "errorText": "e", "input": "{",
        "approvalId": "p"})]
}

fn ends() -> Vec<Value> {
    vec![json!({"type": "finish-step"}), json!({"type": "finish", "messageMetadata": {"a": 1}})]
}

fn is_failed(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(error) if error.kind == BackendFault::Invalid)
}

#[test]
fn text_alone_is_the_answer_with_its_metadata() {
    let (shown, outcome) = run(&[starts(), text(), ends()].concat(), true);
    assert_eq!(shown, [&STARTS[..], &TEXT, &["finish-step", "finish"]].concat());
    assert_eq!(outcome, Outcome::Final);
    // A process that prints text frames no steps.
    let (shown, outcome) = run(&text(), false);
    assert_eq!((shown, outcome), (TEXT.map(str::to_owned).into(), Outcome::Final));
    let (shown, outcome) = run(&[text(), ends()[1..].to_vec()].concat(), true);
    assert_eq!((shown.len(), outcome), (4, Outcome::Final));
}

#[test]
fn calls_are_shown_when_all_are_there_and_end_the_step() {
    let chunks = [starts(), call("1", "search"), text(), call("2", "search"), ends()].concat();
    let (shown, outcome) = run(&chunks, true);
    assert_eq!(shown, [&STARTS[..], &TEXT, &CALL, &CALL, &["finish-step"]].concat());
    assert_eq!(outcome, Outcome::Calls);
    let (shown, outcome) = run(&[starts(), call("1", "search"), ends()].concat(), true);
    assert_eq!(shown, [&STARTS[..], &CALL, &["finish-step"]].concat());
    assert_eq!(outcome, Outcome::Calls);
}

#[test]
fn one_call_that_cant_be_handed_over_hides_all() {
    let begun = vec![call("2", "search").remove(0)];
    let asked = [call("2", "search"), chunk("tool-approval-request", "2")].concat();
    for bad in [call("2", "delete"), call("2", "pay"), begun, asked] {
        let chunks = [starts(), text(), call("1", "search"), bad.clone(), ends()].concat();
        let (shown, outcome) = run(&chunks, true);
        assert_eq!(shown, [&STARTS[..], &TEXT, &["finish-step"]].concat());
        assert_eq!(outcome, Outcome::Text, "{bad:?}");
        // Without a word that could be handed over, the agent begins anew.
        let (shown, outcome) = run(&[starts(), bad, ends()].concat(), true);
        assert!(shown.is_empty() && is_failed(&outcome), "{shown:?} {outcome:?}");
    }
}

#[test]
fn an_agent_that_takes_only_text_gets_no_calls() {
    let chunks = [starts(), text(), call("1", "search"), ends()].concat();
    let (shown, outcome) = run(&chunks, false);
    assert_eq!(shown, [&STARTS[..], &TEXT, &["finish-step"]].concat());
    assert_eq!(outcome, Outcome::Text);
}

#[test]
fn what_the_backend_executed_or_could_not_read_is_a_call_with_a_result() {
    for end in ["tool-output-available", "tool-output-error", "tool-output-denied"] {
        let own = [call("1", "its-own"), chunk(end, "1")].concat();
        let (shown, outcome) = run(&[starts(), own, ends()].concat(), true);
        assert_eq!(shown, [&STARTS[..], &CALL, &[end, "finish-step"]].concat());
        assert_eq!(outcome, Outcome::Calls);
    }
    let mut half = chunk("tool-output-available", "1");
    half[0]["preliminary"] = true.into();
    let (shown, outcome) = run(&[starts(), call("1", "its-own"), half, ends()].concat(), true);
    assert!(shown.is_empty() && is_failed(&outcome));
    let unread = [vec![call("1", "search").remove(0)], chunk("tool-input-error", "1")].concat();
    let (shown, outcome) = run(&[starts(), unread, ends()].concat(), true);
    assert_eq!(shown[2..], ["tool-input-start", "tool-input-error", "finish-step"]);
    assert_eq!(outcome, Outcome::Calls);
}

#[test]
fn what_the_models_provider_executes_is_like_text() {
    let looked_up = provided([call("1", "web"), chunk("tool-output-available", "1")].concat());
    for calls_allowed in [true, false] {
        let chunks = [starts(), looked_up.clone(), text(), ends()].concat();
        let (shown, outcome) = run(&chunks, calls_allowed);
        assert_eq!((shown.len(), outcome), (chunks.len(), Outcome::Final));
    }
    let chunks = [starts(), looked_up, call("2", "delete"), ends()].concat();
    let (shown, outcome) = run(&chunks, true);
    let kept = [&STARTS[..], &CALL, &["tool-output-available", "finish-step"]].concat();
    assert_eq!((shown, outcome), (kept.into_iter().map(str::to_owned).collect(), Outcome::Text));
}

#[test]
fn nothing_is_shown_of_an_answer_that_fails_at_once() {
    let early = [starts(), vec![text().remove(0)]].concat();
    let error = vec![json!({"type": "error", "errorText": "busy"})];
    let abort = vec![json!({"type": "abort"})];
    for end in [error.clone(), abort, ends(), Vec::new()] {
        let (shown, outcome) = run(&[early.clone(), end].concat(), true);
        assert!(shown.is_empty() && is_failed(&outcome), "{shown:?} {outcome:?}");
    }
    let (shown, outcome) = run(&[starts(), text(), call("1", "search"), error].concat(), true);
    assert_eq!(shown, [&STARTS[..], &TEXT].concat());
    assert!(matches!(outcome, Outcome::Failed(error) if error.message == "busy"));
}

#[test]
fn a_second_step_is_the_agents() {
    let (shown, outcome) = run(&[starts(), text(), ends()[..1].to_vec(), starts()].concat(), true);
    let (last, step) = (shown.last().map(String::as_str), shown.len());
    // A backend that names the message again in front of its next step says nothing new.
    assert_eq!((last, step, outcome), (Some("start"), 7, Outcome::Text));
}

#[test]
fn trouble_behind_the_end_takes_nothing_away() {
    let error = BackendError { kind: BackendFault::Timeout, message: "late".to_owned() };
    let mut step = Step::new(tools(), true);
    let chunks = [starts(), text()].concat().into_iter().map(Chunk::of).collect();
    assert_eq!(step.take(chunks).1, None);
    assert_eq!(step.fail(error.clone()), Outcome::Failed(error.clone()));
    step.take(vec![Chunk::of(ends().remove(0))]);
    assert_eq!(step.fail(error), Outcome::Final);
}
