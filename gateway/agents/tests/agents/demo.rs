//! What the demo answers.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};
use tidegate_agents::build;
use tidegate_core::seams::AgentBackend;
use tidegate_core::seams::backend::{BackendFault, TurnRequest};
use tidegate_protocol::input::Trigger;
use tidegate_protocol::ui;
use tokio::time::Instant;

use crate::support::{Answer, ask, request, user};

fn demo(words_per_second: u32) -> Arc<dyn AgentBackend> {
    build("demo", "a", json!({"words_per_second": words_per_second})).unwrap()
}

async fn answer(turn: TurnRequest) -> Answer {
    Answer::of(demo(0).answer(turn)).await
}

async fn say(text: &str) -> Answer {
    answer(ask(text)).await
}

fn kinds(answer: &Answer) -> Vec<String> {
    answer.values().iter().map(|value| value["type"].as_str().unwrap().to_owned()).collect()
}

const WHOLE: [&str; 26] = [
    "hi",
    "",
    "/help",
    "/words 30",
    "/words 5 1",
    "/words nonsense",
    "/wait 1 and then?",
    "/reason why",
    "/steps 3",
    "/tool Bergen",
    "/tool-error Bergen",
    "/approve a boat",
    "/client location",
    "/client a, b, c",
    "/data",
    "/source",
    "/file",
    "/markdown",
    "/message-metadata",
    "/meta",
    "/flood 3",
    "/flood 300 1",
    "/no-such-thing",
    "/",
    "  /help  ",
    "/tool",
];

/// Whole answers begin and end as they should and every chunk has the shape of its type.
#[tokio::test]
async fn the_same_request_has_the_same_answer() {
    for text in WHOLE {
        let first = say(text).await;
        assert_eq!(first.error, None, "{text}");
        let values = first.values();
        assert_eq!(values, say(text).await.values(), "{text}");
        assert_eq!(values[0], json!({"type": "start", "messageId": "a1"}), "{text}");
        assert_eq!(values.last(), Some(&json!({"type": "finish"})), "{text}");
        let mut message = ui::Accumulator::new("a1");
        for value in &values {
            ui::Chunk::from_value(value.clone()).unwrap();
            message.push(value).unwrap();
        }
        assert_eq!(message.open_parts(), ui::OpenParts::default(), "{text}");
    }
}

#[tokio::test]
async fn plain_text_is_said_again() {
    let text = say("  what a day ").await.text();
    assert!(text.starts_with("You said: “what a day”."), "{text}");
    let mut parts = vec![json!({"type": "text", "text": "one "})];
    parts.push(json!({"type": "file", "mediaType": "image/png", "url": "data:"}));
    parts.push(json!({"type": "text", "text": "two"}));
    let two = json!({"id": "u", "role": "user", "parts": parts});
    let text = answer(request(vec![user("old"), two])).await.text();
    assert!(text.starts_with("You said: “one two”."), "{text}");
}

#[tokio::test]
async fn answering_again_looks_different() {
    let mut again = ask("hi");
    again.trigger = Trigger::Regenerate;
    let text = answer(again).await.text();
    assert!(text.starts_with("Once more, in turn 3"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn words_come_at_their_pace() {
    for (rate, text, words, time) in [
        (20, "/words 41", 41, Duration::from_secs(2)),
        (20, "/words 11 300", 11, Duration::from_secs(3)),
        (1_000, "/words 101", 101, Duration::from_millis(100)),
        (0, "/words 1000", 1_000, Duration::ZERO),
        (20, "/words 1000 0", 1_000, Duration::ZERO),
    ] {
        let begin = Instant::now();
        let mut stream = demo(rate).answer(ask(text));
        let mut got = 0;
        let mut last = begin;
        while let Some(item) = stream.next().await {
            let deltas = item.unwrap().iter().filter(|c| c.value["type"] == "text-delta").count();
            got += deltas;
            if deltas > 0 {
                last = Instant::now();
            }
        }
        assert_eq!((got, last - begin), (words, time), "{text} at {rate}");
    }
}

#[tokio::test(start_paused = true)]
async fn waits_and_hangs() {
    let begin = Instant::now();
    let mut stream = demo(20).answer(ask("/wait 2500 x"));
    stream.next().await.unwrap().unwrap();
    assert_eq!(begin.elapsed(), Duration::from_millis(2_500));

    let for_ever = Duration::from_secs(1_000_000);
    let mut stream = demo(20).answer(ask("/hang-first"));
    assert!(tokio::time::timeout(for_ever, stream.next()).await.is_err());
    let mut stream = demo(0).answer(ask("/hang"));
    let item = stream.next().await.unwrap().unwrap();
    assert_eq!(item.iter().filter(|chunk| chunk.value["type"] == "text-delta").count(), 2);
    assert!(tokio::time::timeout(for_ever, stream.next()).await.is_err());
}

#[tokio::test]
async fn it_fails_on_request() {
    let first = say("/fail-first").await;
    assert!(first.items.is_empty());
    assert_eq!(first.failure().kind, BackendFault::Unavailable);
    let later = say("/fail the reason").await;
    assert_eq!(later.failure().message, "agent \"a\" (demo): the reason");
    assert!(later.text().starts_with("Everything goes well"));
    let own = say("/error the reason").await;
    assert_eq!(own.error, None);
    assert_eq!(own.values().last().unwrap()["errorText"], "the reason");
    assert_eq!(kinds(&say("/abort").await).last().unwrap(), "abort");
    assert_eq!(kinds(&say("/cut").await).last().unwrap(), "text-delta");
}

#[tokio::test]
async fn a_flood_is_not_made_in_advance() {
    // 16 GiB if it were.
    let mut stream = demo(0).answer(ask("/flood 1000000 16"));
    for _ in 0..10 {
        let item = stream.next().now_or_never().expect("a flood is always ready");
        let bytes: usize = item.unwrap().unwrap().iter().map(|chunk| chunk.raw.len()).sum();
        assert!(bytes < 512 * 1024, "{bytes}");
    }
}

/// The answer to `text` as a message, its tool part `decided` by the client, answered again.
async fn go_on(text: &str, decided: Value) -> (Answer, Value) {
    let mut message = ui::Accumulator::new("a1");
    for chunk in say(text).await.values() {
        message.push(&chunk).unwrap();
    }
    let mut message = message.into_message();
    let tools = message["parts"].as_array_mut().unwrap().iter_mut();
    for part in tools.filter(|part| part.get("toolCallId").is_some()) {
        let approval = part.get("approval").cloned();
        part.as_object_mut().unwrap().extend(decided.as_object().unwrap().clone());
        if let Some(approval) = approval {
            part["approval"]["id"] = approval["id"].clone();
        }
    }
    let rest = answer(request(vec![user(text), message.clone()])).await;
    let mut message = ui::Accumulator::resume(message).unwrap();
    for chunk in rest.values() {
        message.push(&chunk).unwrap();
    }
    assert_eq!(message.message_id(), "a1");
    (rest, message.into_message())
}

fn tool_states(message: &Value) -> Vec<&str> {
    let parts = message["parts"].as_array().unwrap().iter();
    parts.filter(|part| part.get("toolCallId").is_some()).map(|p| text(&p["state"])).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test]
async fn an_approval_goes_on_in_the_same_message() {
    let approved = |approval| json!({"state": "approval-responded", "approval": approval});
    let (rest, message) = go_on("/approve a boat", approved(json!({"approved": true}))).await;
    assert_eq!(rest.text(), "Approved, so a boat is on its way.");
    assert_eq!(tool_states(&message), ["output-available"]);

    let no = approved(json!({"approved": false, "reason": "too far"}));
    let (rest, message) = go_on("/approve a boat", no).await;
    assert_eq!(rest.text(), "Denied (too far), so a boat stays here.");
    assert_eq!(tool_states(&message), ["output-denied"]);
}

#[tokio::test]
async fn a_tool_result_of_the_client_is_used() {
    let good = json!({"state": "output-available", "output": {"city": "Oslo"}});
    let (rest, message) = go_on("/client location", good.clone()).await;
    assert_eq!(rest.text(), "Your ask_client says {\"city\":\"Oslo\"}.");
    assert_eq!(tool_states(&message), ["output-available"]);
    assert_eq!(tool_states(&go_on("/client a, b, c", good).await.1).len(), 3);
    let bad = json!({"state": "output-error", "errorText": "no GPS"});
    let (rest, _) = go_on("/client location", bad).await;
    assert_eq!(rest.text(), "Your ask_client failed: no GPS.");
    assert_eq!(go_on("hi", json!({})).await.0.text(), "Let me go on from there.");
}

#[tokio::test]
async fn actions_are_taken() {
    let act = |action: Value| {
        let mut turn = ask("remember me");
        turn.trigger = Trigger::Action;
        turn.action = Some(action);
        answer(turn)
    };
    assert_eq!(act(json!({"type": "say", "text": "ahoy there"})).await.text(), "ahoy there");
    assert!(act(json!({"type": "undo"})).await.text().contains("“remember me”"));
    let nothing = act(json!({"type": "nothing"})).await;
    assert!(nothing.items.is_empty() && nothing.error.is_none());
    for action in [json!({"type": "dance"}), json!("undo"), json!({})] {
        assert_eq!(act(action).await.failure().kind, BackendFault::Invalid);
    }
}

#[tokio::test]
async fn it_tells_what_it_was_sent() {
    let mut turn = ask("/meta");
    turn.metadata = Some(json!({"user": 7}));
    turn.rest.insert("page".to_owned(), "home".into());
    turn.attempt = 2;
    let said: Value = serde_json::from_str(&answer(turn).await.text()).unwrap();
    assert_eq!(
        said,
        json!({"chatId": "chat-1", "turn": 3, "attempt": 2, "messages": 1,
            "metadata": {"user": 7}, "rest": {"page": "home"}})
    );
}
