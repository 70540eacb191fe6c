//! What the first step of a head start asks of backends: tools, and connections ahead of it.

use futures_util::StreamExt;
use serde_json::{Value, json};
use tidegate_core::head_start::{HeadStart, Outcome, StepEvent, WarmStep};
use tidegate_core::seams::backend::TurnRequest;
use tokio::sync::{mpsc, oneshot};

use crate::process_support::{shell, until};
use crate::support::{Answer, EVENTS, Upstream, agent, ask, events, hello};

fn step() -> TurnRequest {
    let mut step = ask("hi");
    let tools = json!([
        {"name": "search", "description": "Finds.", "parameters": {"type": "object", "x": 1}},
        {"name": "pay", "needs_approval": true},
    ]);
    step.tools = serde_json::from_value::<Vec<_>>(tools).unwrap().into();
    step
}

/// The same, as backends that speak UI messages are told.
fn told() -> Value {
    json!([
        {"name": "search", "description": "Finds.", "parameters": {"type": "object", "x": 1}},
        {"name": "pay", "parameters": {"type": "object", "properties": {}}},
    ])
}

/// The body that `backend` posts for `step`.
async fn body(backend: &str, table: Value, step: TurnRequest) -> Value {
    let (seen, mut requests) = mpsc::channel(1);
    let upstream = Upstream::start(move |mut conn, _| {
        let seen = seen.clone();
        async move {
            seen.send(conn.request().await.body).await.unwrap();
            conn.write(EVENTS).await;
        }
    })
    .await;
    let mut answer = agent(backend, &upstream.url, table).answer(step);
    answer.next().await;
    requests.recv().await.unwrap()
}

#[tokio::test]
async fn an_openai_endpoint_gets_the_tools_in_place_of_configured_ones() {
    let configured = json!({"model": "m", "tools": [{"name": "old"}]});
    let names = |body: &Value| -> Vec<Value> {
        let tools = body["tools"].as_array().unwrap();
        tools.iter().map(|tool| tool["function"]["name"].clone()).collect()
    };
    let given = body("openai", configured.clone(), step()).await;
    assert_eq!(names(&given), ["search", "pay"]);
    assert_eq!(given["tools"][0], json!({"type": "function", "function": told()[0]}));
    assert_eq!(names(&body("openai", configured, ask("hi")).await), ["old"]);
    let fixed = json!({"model": "m", "extra_body": {"tools": [{"function": {"name": "own"}}]}});
    assert_eq!(names(&body("openai", fixed, step()).await), ["own"]);
}

#[tokio::test]
async fn a_route_gets_the_tools_over_a_key_of_the_application() {
    let mut plain = ask("hi");
    plain.rest.insert("tools".to_owned(), json!("the application's"));
    let mut step = step();
    step.rest = plain.rest.clone();
    assert_eq!(body("ai_sdk", json!({}), step).await["tools"], told());
    assert_eq!(body("ai_sdk", json!({}), plain).await["tools"], "the application's");
    assert_eq!(body("ai_sdk", json!({}), ask("hi")).await.get("tools"), None);
}

#[tokio::test]
async fn a_command_gets_the_tools() {
    let script = r#"IFS= read -r turn; printf '{"type":"data-turn","data":%s}\n' "$turn""#;
    let answer = Answer::of(shell(script, json!({})).answer(step())).await;
    assert_eq!(answer.values()[0]["data"]["tools"], told());
}

#[tokio::test]
async fn a_connection_is_opened_ahead_once() {
    let upstream = Upstream::start(|mut conn, _| async move {
        if conn.next_request().await.is_some() {
            conn.write(format!("{EVENTS}{}", events(&hello()))).await;
        }
    })
    .await;
    let agent = agent("ai_sdk", &upstream.url, json!({}));
    agent.warm_up();
    agent.warm_up();
    until("the connection", || upstream.connections() == 1).await;
    // The client may see the connection a little later than its server.
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    agent.warm_up();
    let answer = Answer::of(agent.answer(ask("hi"))).await;
    assert_eq!((answer.values(), upstream.connections()), (hello(), 1));
}

#[tokio::test]
async fn nobody_learns_of_a_backend_that_is_down() {
    let agent = agent("ai_sdk", "http://127.0.0.1:1/", json!({}));
    agent.warm_up();
    tokio::task::yield_now().await;
    assert!(Answer::of(agent.answer(ask("hi"))).await.error.is_some());
}

/// An endpoint that answers with `events` and then waits; the receiver learns when it was left.
async fn waiting(events: Vec<Value>) -> (Upstream, oneshot::Receiver<()>) {
    let (left, was_left) = oneshot::channel();
    let left = std::sync::Mutex::new(Some(left));
    let upstream = Upstream::start(move |mut conn, _| {
        let left = left.lock().unwrap().take();
        let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        async move {
            conn.next_request().await;
            conn.write(format!("{EVENTS}{body}")).await;
            conn.closed().await;
            left.unwrap().send(()).unwrap();
        }
    })
    .await;
    (upstream, was_left)
}

fn openai(upstream: &Upstream) -> std::sync::Arc<dyn tidegate_core::seams::AgentBackend> {
    agent("openai", &upstream.url, json!({"model": "m"}))
}

async fn run(step: &mut WarmStep) -> (Vec<Value>, Outcome) {
    let mut shown = Vec::new();
    loop {
        match step.next().await {
            StepEvent::Chunks(chunks) => shown.extend(chunks.into_iter().map(|chunk| chunk.value)),
            StepEvent::Ended(outcome) => return (shown, outcome),
        }
    }
}

fn delta(delta: Value) -> Value {
    json!({"choices": [{"delta": delta}]})
}

#[tokio::test]
async fn a_step_with_calls_is_cut_off_down_to_the_socket() {
    let call = json!({"tool_calls": [{"index": 0, "id": "c1", "function":
        {"name": "search", "arguments": "{\"q\":\"x\"}"}}]});
    let end = json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]});
    let (main, left) = waiting(vec![delta(json!({"content": "Let me"})), delta(call), end]).await;
    let (slow, slow_left) = waiting(Vec::new()).await;
    let (wait_ms, step_ms) = (1_000, 60_000);
    let (backend, hedge) = (openai(&slow), Some(openai(&main)));
    let head_start = HeadStart { backend, hedge, tools: None, wait_ms, step_ms };
    let mut running = head_start.begin(step(), true);
    let (shown, outcome) = run(&mut running).await;
    assert_eq!(outcome, Outcome::Calls);
    let kinds: Vec<_> = shown.iter().filter_map(|chunk| chunk["type"].as_str()).collect();
    let (text, call) = (
        ["text-start", "text-delta", "text-end"],
        ["tool-input-start", "tool-input-delta", "tool-input-available"],
    );
    assert_eq!(kinds, [&["start", "start-step"][..], &text, &call, &["finish-step"]].concat());
    // Nobody is asked for the rest, though the step itself is not dropped yet.
    left.await.unwrap();
    slow_left.await.unwrap();
    drop(running);
}
