//! Requests and answers of the `ai_sdk` backend.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tidegate_protocol::input::Trigger;
use tokio::sync::{Semaphore, mpsc};

use crate::support::{
    Answer, EVENTS, EVENTS_CHUNKED, Upstream, agent, ask, events, framed, hello, request, user,
};

#[tokio::test]
async fn it_posts_what_the_default_chat_transport_posts() {
    let (seen, mut requests) = mpsc::channel(4);
    let upstream = Upstream::start(move |mut conn, _| {
        let seen = seen.clone();
        async move {
            seen.send(conn.request().await).await.unwrap();
            conn.write(format!("{EVENTS}{}", events(&hello()))).await;
        }
    })
    .await;
    let agent = agent("ai_sdk", &upstream.url, json!({"headers": {"x-key": "k-1234"}}));

    let mut turn = ask("hi");
    turn.trigger = Trigger::Regenerate;
    turn.message_id = Some("m9".to_owned());
    turn.metadata = Some(json!({"user": 1}));
    turn.rest = serde_json::from_value(json!({"sessionId": "s", "id": "mine"})).unwrap();
    let answer = Answer::of(agent.answer(turn)).await;
    assert_eq!(answer.values(), hello());
    let seen = requests.recv().await.unwrap();
    assert_eq!(
        seen.body,
        json!({
            "sessionId": "s",
            "id": "chat-1",
            "messages": [user("hi")],
            "trigger": "regenerate-message",
            "messageId": "m9",
            "metadata": {"user": 1},
        })
    );
    let head = seen.head.to_ascii_lowercase();
    assert!(head.starts_with("post /api/chat http/1.1\r\n"), "{head}");
    let host = upstream.url.strip_prefix("http://").unwrap().strip_suffix("/api/chat").unwrap();
    for line in [
        "content-type: application/json",
        "accept: text/event-stream",
        "x-key: k-1234",
        &format!("host: {host}"),
    ] {
        assert!(head.lines().any(|have| have == line), "{line} in {head}");
    }

    let mut action = ask("hi");
    action.trigger = Trigger::Action;
    action.action = Some(json!({"type": "undo"}));
    Answer::of(agent.answer(action)).await;
    let body = requests.recv().await.unwrap().body;
    assert_eq!(body["trigger"], "action");
    assert_eq!(body["action"], json!({"type": "undo"}));
    assert_eq!(body.get("messageId"), None);
}

#[tokio::test]
async fn a_large_history_arrives_whole() {
    let upstream = Upstream::start(move |mut conn, _| async move {
        let body = conn.request().await.body;
        let chunk =
            json!({"type": "data-count", "data": body["messages"].as_array().unwrap().len()});
        conn.write(format!("{EVENTS}{}", events(&[chunk]))).await;
    })
    .await;
    let messages = (0..500).map(|_| user(&"long ".repeat(2_000))).collect();
    let answer = Answer::of(agent("ai_sdk", &upstream.url, json!({})).answer(request(messages)));
    assert_eq!(answer.await.values()[0]["data"], 500);
}

/// Raw bytes survive, also where the parsed value would be written otherwise.
#[tokio::test]
async fn chunks_pass_through_byte_for_byte() {
    let raw = [
        r#"{ "type" : "text-delta", "id":"t", "delta":"\u00e9\ud83c\udf0a\/" }"#,
        r#"{"type":"text-delta","id":"t","delta":"half \ud83c"}"#,
        r#"{"type":"data-x","data":1e3,"unknown":[1,{}]}"#,
    ];
    let body: String = raw.iter().map(|text| format!("data: {text}\n\n")).collect();
    let upstream = Upstream::answering(format!("{EVENTS}{body}")).await;
    let answer = Answer::of(agent("ai_sdk", &upstream.url, json!({})).answer(ask("hi"))).await;
    let got: Vec<_> = answer.items.concat().into_iter().map(|chunk| chunk.raw).collect();
    assert_eq!(got, raw.map(|text| Bytes::from_static(text.as_bytes())));
    assert_eq!(answer.error, None);
}

/// One connection per split point; every line ending; with and without chunked framing.
#[tokio::test]
async fn the_split_of_the_bytes_means_nothing() {
    let lf = format!(": hello\n\n{}", events(&hello()));
    for text in [lf.clone(), lf.replace('\n', "\r\n"), lf.replace('\n', "\r")] {
        let whole = text.clone();
        let upstream = Upstream::start(move |mut conn, number| {
            let text = whole.clone();
            async move {
                conn.request().await;
                let (first, second) = text.as_bytes().split_at(number);
                conn.write([EVENTS.as_bytes(), first].concat()).await;
                tokio::task::yield_now().await;
                conn.write(second).await;
            }
        })
        .await;
        let agent = agent("ai_sdk", &upstream.url, json!({}));
        for at in 0..text.len() {
            let answer = Answer::of(agent.answer(ask("hi"))).await;
            assert_eq!((answer.values(), answer.error), (hello(), None), "split at {at}");
        }
        assert_eq!(upstream.connections(), text.len());
    }
}

#[tokio::test]
async fn byte_by_byte_in_http_chunks() {
    let upstream = Upstream::start(move |mut conn, _| async move {
        conn.request().await;
        conn.write(EVENTS_CHUNKED).await;
        for byte in events(&hello()).bytes() {
            conn.write([b"1\r\n", &[byte][..], b"\r\n"].concat()).await;
        }
        conn.write("0\r\n\r\n").await;
    })
    .await;
    let answer = Answer::of(agent("ai_sdk", &upstream.url, json!({})).answer(ask("hi"))).await;
    assert_eq!((answer.values(), answer.error), (hello(), None));
}

/// What lies ready is one item, and nothing is held back for more to come.
#[tokio::test]
async fn an_item_is_what_was_ready() {
    let gate = Arc::new(Semaphore::new(0));
    let go = gate.clone();
    let upstream = Upstream::start(move |mut conn, _| {
        let gate = gate.clone();
        async move {
            conn.request().await;
            let many: String = (0..100)
                .map(|n| framed(&format!("data: {}\n\n", json!({"type": "data-n", "data": n}))))
                .collect();
            conn.write(format!("{EVENTS_CHUNKED}{many}")).await;
            gate.acquire().await.unwrap().forget();
            conn.write(framed(&events(&[json!({"type": "finish"})]))).await;
            conn.write("0\r\n\r\n").await;
        }
    })
    .await;
    let mut stream = agent("ai_sdk", &upstream.url, json!({})).answer(ask("hi"));
    let mut got = 0;
    while got < 100 {
        let item = stream.next().await.unwrap().unwrap();
        got += item.len();
    }
    // All of it is here while the upstream still waits.
    go.add_permits(1);
    let rest = Answer::of(stream).await;
    assert_eq!(rest.values(), [json!({"type": "finish"})]);
}

/// Ends that are all fine: no `[DONE]`, no last blank line, no `finish`, nothing at all.
#[tokio::test]
async fn an_end_may_be_sloppy() {
    let chunk = json!({"type": "finish"});
    let json_head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/plain\r\n\r\n";
    let empty = "HTTP/1.1 204 No Content\r\n\r\n";
    let cases: [(String, Vec<Value>); 6] = [
        (format!("{EVENTS}data: {chunk}\n\n"), vec![chunk.clone()]),
        (format!("{EVENTS}data: {chunk}"), vec![chunk.clone()]),
        (format!("{EVENTS}data: {chunk}\n\ndata: [DONE]"), vec![chunk.clone()]),
        (format!("{json_head}data: {chunk}\n\n"), vec![chunk]),
        (EVENTS.to_owned(), vec![]),
        (empty.to_owned(), vec![]),
    ];
    for (text, chunks) in cases {
        let upstream = Upstream::answering(text.clone()).await;
        let answer = Answer::of(agent("ai_sdk", &upstream.url, json!({})).answer(ask("hi"))).await;
        assert_eq!((answer.values(), answer.error), (chunks, None), "{text}");
    }
}
