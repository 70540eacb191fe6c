use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_protocol::link::GatewayFrame;
use tokio::sync::Barrier;
use tokio::time::sleep;

use super::*;
use crate::error::AnswerError;
use crate::link::{Asked, Machine};
use crate::tool::{Tool, ToolCall};

/// One head start of an agent that says `ran` where it runs.
#[derive(Default)]
struct Played {
    turns: Vec<Turn>,
    completed: Vec<(Turn, Outcome)>,
    chunks: Vec<Value>,
    done: Option<Value>,
}

type Seen = Arc<Mutex<Played>>;

fn agent(seen: &Seen) -> Agent {
    let (runs, ends) = (Arc::clone(seen), Arc::clone(seen));
    let agent = Agent::new("a", move |turn: Turn, answer: Answer| {
        runs.lock().turns.push(turn);
        async move { answer.text("ran").await }
    });
    agent.on_turn_complete(move |turn, outcome| {
        ends.lock().completed.push((turn, outcome));
        std::future::ready(())
    })
}

/// Plays `frames` to what `with` makes of the agent.
async fn play(with: impl FnOnce(Agent) -> Agent, frames: &[Value]) -> Played {
    let seen = Seen::default();
    let agent = with(agent(&seen));
    let specs = vec![agent.spec("1")];
    let shared = Arc::new(Shared::new(Machine::new("w".to_owned(), 8, specs)));
    shared.machine.lock().handle_connected();
    say(
        &shared,
        &json!({"t": "welcome", "heartbeat_ms": 3000, "lease_ms": 9000, "resume_ms": 600,
        "window_bytes": 1_000_000, "frame_max_bytes": 1_000_000, "work": []}),
    );
    let asked = say(
        &shared,
        &json!({"t": "turn", "id": "t_1", "run": "r", "session": "s",
        "chat": "c", "agent": "a", "version": "1", "turn": 1, "attempt": 1,
        "trigger": "submit-message", "messages": [question()], "answer_id": "m1",
        "head_start": true}),
    );
    let Asked::Begin(turn) = asked else { panic!("not a turn") };
    let running = tokio::spawn(run(Arc::clone(&shared), Arc::new(agent), Turn::new(turn)));
    settle(&shared, &seen).await;
    let early = seen.lock().chunks.clone();
    assert_eq!(early, Vec::<Value>::new(), "nothing is sent before the hand-over");
    for frame in frames {
        say(&shared, frame);
        settle(&shared, &seen).await;
    }
    running.await.expect("it ends");
    std::mem::take(&mut *seen.lock())
}

fn say(shared: &Shared, frame: &Value) -> Asked {
    shared.machine.lock().handle(GatewayFrame::parse(&frame.to_string()).expect("a frame"))
}

/// Takes and acknowledges what is sent in the next moments.
async fn settle(shared: &Shared, seen: &Seen) {
    for _ in 0..50 {
        sleep(Duration::from_millis(1)).await;
        let cx = Context::from_waker(Waker::noop());
        loop {
            let Poll::Ready(text) = shared.machine.lock().poll_send(&cx) else { break };
            let mut frame: Value = serde_json::from_str(&text).expect("JSON");
            if let Some(seq) = frame["seq"].as_u64() {
                say(shared, &json!({"t": "ack", "id": "t_1", "seq": seq}));
            }
            let mut seen = seen.lock();
            if let Some(chunks) = frame["chunks"].as_array_mut() {
                seen.chunks.append(chunks);
            }
            if frame["t"] == "done" {
                seen.done = Some(frame);
            }
        }
    }
}

fn question() -> Value {
    json!({"id": "u1", "role": "user", "parts": [{"type": "text", "text": "hi"}]})
}

fn said() -> Value {
    json!({"type": "text", "text": "Hello.", "state": "done"})
}

fn asked(name: &str, id: &str, input: &Value) -> Value {
    json!({"type": format!("tool-{name}"), "toolCallId": id, "state": "input-available",
        "input": input})
}

fn handover(outcome: &str, parts: &[Value]) -> Value {
    let mut frame = json!({"t": "handover", "id": "t_1", "outcome": outcome});
    if !parts.is_empty() {
        frame["message"] = json!({"id": "m1", "role": "assistant", "parts": parts});
    }
    frame
}

fn stop() -> Value {
    json!({"t": "cancel", "id": "t_1", "reason": "stopped"})
}

fn available(id: &str, output: &Value) -> Value {
    json!({"type": "tool-output-available", "output": output, "toolCallId": id})
}

fn failed(id: &str, text: &str) -> Value {
    json!({"type": "tool-output-error", "errorText": text, "toolCallId": id})
}

fn ran() -> Vec<Value> {
    vec![
        json!({"type": "text-start", "id": "text-1"}),
        json!({"type": "text-delta", "id": "text-1", "delta": "ran"}),
        json!({"type": "text-end", "id": "text-1"}),
    ]
}

/// A tool that takes anything and gives its input.
fn gives(name: &str) -> Tool {
    Tool::new(name, json!({}), async |input: Value, _call: ToolCall| Ok::<_, AnswerError>(input))
}

fn same(agent: Agent) -> Agent {
    agent
}

fn outcomes(played: &Played) -> Vec<Outcome> {
    played.completed.iter().map(|(_, outcome)| outcome.clone()).collect()
}

/// The parts of the message that was handed over, as the hooks have it.
fn parts(played: &Played) -> &Vec<Value> {
    let messages = played.completed[0].0.messages();
    messages.last().and_then(|message| message["parts"].as_array()).expect("parts")
}

#[tokio::test(start_paused = true)]
async fn skip_the_agent_answers_as_if_there_had_been_none() {
    let played = play(same, &[handover("skip", &[])]).await;
    assert_eq!(played.chunks, ran());
    assert_eq!(played.turns[0].messages(), [question()]);
    assert!(!played.turns[0].continues());
}

#[tokio::test(start_paused = true)]
async fn final_no_model_is_asked_and_the_hooks_have_the_answer() {
    let played = play(same, &[handover("final", &[said()])]).await;
    assert!(played.turns.is_empty() && played.chunks.is_empty());
    assert_eq!(outcomes(&played), [Outcome::Done]);
    assert_eq!(*parts(&played), [said()]);
    assert_eq!(played.done.expect("done").get("error"), None);
}

#[tokio::test(start_paused = true)]
async fn text_the_message_is_continued() {
    let played = play(same, &[handover("text", &[said()])]).await;
    assert_eq!(played.chunks, ran());
    assert!(played.turns[0].continues());
    assert_eq!(played.turns[0].messages().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn calls_are_executed_at_once_and_each_end_is_written_as_it_comes() {
    let barrier = Arc::new(Barrier::new(2));
    let met = |name: &str, ms: u64| {
        let barrier = Arc::clone(&barrier);
        Tool::new(name, json!({}), move |input: Value, call: ToolCall| {
            let barrier = Arc::clone(&barrier);
            async move {
                barrier.wait().await;
                sleep(Duration::from_millis(ms)).await;
                Ok::<_, AnswerError>(json!([input, call.id(), call.turn().chat()]))
            }
        })
    };
    let mut dynamic = asked("quick", "c2", &json!(2));
    dynamic["type"] = json!("dynamic-tool");
    dynamic["toolName"] = json!("quick");
    let step = json!({"type": "step-start"});
    let message = [
        step.clone(),
        asked("slow", "c0", &json!(0)),
        step,
        said(),
        asked("slow", "c1", &json!(1)),
        dynamic,
    ];
    let with = |agent: Agent| agent.tool(met("slow", 9)).tool(met("quick", 2));
    let played = play(with, &[handover("calls", &message)]).await;
    let (slow, quick) = (json!([1, "c1", "c"]), json!([2, "c2", "c"]));
    let mut first = available("c2", &quick);
    first["dynamic"] = json!(true);
    assert_eq!(played.chunks[..2], [first, available("c1", &slow)]);
    assert_eq!(played.chunks[2..], ran());
    assert!(played.turns[0].continues());
    let states: Vec<_> =
        parts(&played).iter().map(|part| (&part["state"], &part["output"])).collect();
    let (null, had) = (Value::Null, json!("output-available"));
    assert_eq!(states[1], (&json!("input-available"), &null), "a call of an earlier step");
    assert_eq!(states[4..], [(&had, &slow), (&had, &quick)]);
}

#[derive(Deserialize)]
struct Place {
    city: String,
}

#[tokio::test(start_paused = true)]
async fn calls_that_fail_have_ended_too() {
    let place = |name, schema| {
        Tool::new(name, schema, async |place: Place, _call| {
            Err::<(), _>(format!("no {}", place.city))
        })
    };
    let with = |agent: Agent| {
        let panics = Tool::new("panics", json!({}), async |input: Value, _call| {
            assert!(input.is_null(), "a bug of a tool");
            Ok::<_, AnswerError>(())
        });
        let huge = Tool::new("huge", json!({}), async |_: Value, _call| {
            Ok::<_, AnswerError>("x".repeat(2 << 20))
        });
        let strict = json!({"type": "object", "required": ["city"]});
        agent.tool(place("weather", strict)).tool(place("typed", json!({}))).tool(panics).tool(huge)
    };
    let calls = [
        asked("weather", "c0", &json!({})),
        asked("typed", "c1", &json!({})),
        asked("weather", "c2", &json!({"city": "Rome"})),
        asked("panics", "c3", &json!({})),
        asked("huge", "c4", &json!({})),
        asked("nothing", "c5", &json!({})),
    ];
    let mut played = play(with, &[handover("calls", &calls)]).await;
    let mut ends: Vec<Value> = played.chunks.drain(..6).collect();
    ends.sort_by_key(|end| end["toolCallId"].to_string());
    let max = tidegate_protocol::limits::RECORD_MAX_BYTES;
    let texts = [
        r#"invalid input for tool "weather": input.city is missing"#,
        r#"invalid input for tool "typed": missing field `city`"#,
        "no Rome",
        "The tool failed.",
        &format!("a chunk has at most {max} bytes"),
        r#"this agent has no tool "nothing""#,
    ];
    for (number, text) in texts.iter().enumerate() {
        assert_eq!(ends[number], failed(&format!("c{number}"), text));
        assert_eq!(parts(&played)[number]["errorText"], **text);
    }
    assert_eq!(played.chunks, ran());
}

#[tokio::test(start_paused = true)]
async fn an_approval_is_asked_for_and_the_turn_ends_after_the_others() {
    let with = |agent: Agent| {
        let remove = gives("remove").needs_approval_if(|path| path != "tmp");
        agent.tool(remove).tool(gives("always").needs_approval())
    };
    let calls = [
        asked("remove", "c1", &json!("all")),
        asked("remove", "c2", &json!("tmp")),
        asked("always", "c3", &json!(1)),
    ];
    let played = play(with, &[handover("calls", &calls)]).await;
    assert!(played.turns.is_empty());
    assert_eq!(outcomes(&played), [Outcome::Done]);
    let (asks, others): (Vec<_>, Vec<_>) =
        played.chunks.iter().partition(|chunk| chunk["type"] == "tool-approval-request");
    assert_eq!(others, [&available("c2", &json!("tmp"))]);
    let ids: Vec<_> = asks.iter().map(|ask| &ask["toolCallId"]).collect();
    assert_eq!(ids, ["c1", "c3"]);
    let parts = parts(&played);
    assert_eq!(parts[0]["state"], "approval-requested");
    assert_eq!(parts[0]["approval"]["id"], asks[0]["approvalId"]);
    assert_eq!(parts[1]["state"], "output-available");
}

#[tokio::test(start_paused = true)]
async fn a_tool_without_code_runs_in_the_client() {
    let with = |agent: Agent| agent.tool(Tool::in_client("map", json!({}))).tool(gives("here"));
    let calls = [asked("map", "c1", &json!(1)), asked("here", "c2", &json!(2))];
    let played = play(with, &[handover("calls", &calls)]).await;
    assert!(played.turns.is_empty());
    assert_eq!(outcomes(&played), [Outcome::Done]);
    assert_eq!(played.chunks, [available("c2", &json!(2))]);
    assert_eq!(parts(&played)[0]["state"], "input-available");
}

#[tokio::test(start_paused = true)]
async fn what_is_written_before_is_held_back_however_much_it_is() {
    let note = json!({"type": "data-note", "data": "x".repeat(50_000)});
    let (start, turn_start) = (note.clone(), note.clone());
    let with = |agent: Agent| {
        let writes = |note: Value| {
            move |_, answer: Answer| {
                let note = note.clone();
                async move {
                    answer.chunk(note.clone()).await?;
                    answer.chunk(note).await
                }
            }
        };
        agent.on_start(writes(start)).on_turn_start(writes(turn_start))
    };
    let played = play(with, &[handover("skip", &[])]).await;
    assert_eq!(played.chunks[..4], [note.clone(), note.clone(), note.clone(), note]);
    assert_eq!(played.chunks[4..], ran());
}

#[tokio::test(start_paused = true)]
async fn a_hand_over_that_is_repeated_changes_nothing() {
    let slow = Tool::new("slow", json!({}), async |input: Value, _call| {
        sleep(Duration::from_millis(70)).await;
        Ok::<_, AnswerError>(input)
    });
    let calls = handover("calls", &[asked("slow", "c1", &json!(1))]);
    let frames = [calls.clone(), calls, handover("skip", &[])];
    let played = play(|agent| agent.tool(slow), &frames).await;
    assert_eq!(played.chunks[0], available("c1", &json!(1)));
    assert_eq!(played.chunks[1..], ran());
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_says_so_behind_the_step() {
    let with = |agent: Agent| agent.on_turn_start(async |_, _| Err("not today"));
    let played = play(with, &[handover("final", &[said()])]).await;
    assert!(played.turns.is_empty());
    assert_eq!(played.done.as_ref().expect("done")["error"], "not today");
    assert_eq!(outcomes(&played), [Outcome::Failed("not today".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_it_waits_and_one_under_a_tool() {
    let hangs = Tool::new("hangs", json!({}), async |_: Value, _call| {
        std::future::pending::<Result<(), AnswerError>>().await
    });
    let waiting = play(same, &[stop()]).await;
    let calls = handover("calls", &[asked("hangs", "c1", &json!(1))]);
    let calling = play(|agent| agent.tool(hangs), &[calls, stop()]).await;
    for played in [waiting, calling] {
        assert!(played.turns.is_empty() && played.chunks.is_empty() && played.done.is_none());
        assert_eq!(outcomes(&played), [Outcome::Stopped]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_turn_and_tools_as_they_are_registered() {
    let gone = json!({"t": "error", "id": "t_1", "code": "not_held", "message": "m"});
    assert_eq!(outcomes(&play(same, &[gone]).await), [Outcome::Lost]);
    let agent = agent(&Seen::default())
        .tool(Tool::in_client("map", json!({"type": "object"})).description("Shows a map"))
        .tool(gives("remove").needs_approval_if(|_| false));
    let spec = serde_json::to_value(agent.spec("1")).expect("JSON");
    assert_eq!(spec["handover"], "calls");
    assert_eq!(
        spec["tools"],
        json!([
        {"name": "map", "input_schema": {"type": "object"}, "description": "Shows a map"},
        {"name": "remove", "input_schema": {}, "needs_approval": true}])
    );
}
