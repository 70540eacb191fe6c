//! R-SELF: the self-test of the way, without anything on the way.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;
use tidegate_protocol::limits::{SELF_TEST_STEPS, SELF_TESTS_MAX};
use tidegate_protocol::sse::decode::Decoder;

use crate::client::Client;
use crate::harness::Gate;
use crate::s2_writer::{FRAMES, Writer, chunk, framed};

const STREAM: &str = "/v1/self-test/stream";

struct Trial {
    body: Incoming,
    decoder: Decoder,
}

impl Trial {
    async fn open(client: &Client) -> Self {
        let response = client.open("GET", STREAM, &[], "").await;
        assert_eq!(response.status(), 200);
        Self { body: response.into_body(), decoder: Decoder::new(1 << 20) }
    }

    async fn next(&mut self) -> (String, Value) {
        loop {
            if let Some(event) = self.decoder.next() {
                let event = event.expect("an event");
                let data = serde_json::from_slice(&event.data).expect("JSON");
                return (event.event.expect("a name"), data);
            }
            let frame = self.body.frame().await.expect("more").expect("not cut");
            self.decoder.push(&frame.into_data().expect("data"));
        }
    }
}

#[tokio::test]
async fn each_step_waits_for_the_acknowledgement_of_the_one_before() {
    let gate = Gate::start().await;
    let nobody = gate.as_bearer("");
    let mut trial = Trial::open(&nobody).await;
    for step in 1..=SELF_TEST_STEPS {
        let (name, data) = trial.next().await;
        assert_eq!((name.as_str(), &data["step"]), ("step", &Value::from(step)));
        let path = data["acknowledge"].as_str().expect("a path");
        assert_eq!(nobody.call("GET", path, &[], "").await.code(), "method_not_allowed");
        assert_eq!(nobody.post(path, "").await.status, 204);
        let again = nobody.post(path, "").await;
        assert_eq!((again.status, again.code().as_str()), (404, "self_test_not_found"));
        assert_eq!(again.header("x-should-retry"), Some("true"));
    }
    let (name, data) = trial.next().await;
    assert_eq!((name.as_str(), &data["buffered"]), ("verdict", &Value::from(false)));
    gate.until_gauge("streams", 0).await;
}

#[tokio::test]
async fn a_client_that_does_not_get_it_is_told_so() {
    let gate = Gate::start().await;
    let nobody = gate.as_bearer("");
    let mut trial = Trial::open(&nobody).await;
    let (_, first) = trial.next().await;
    assert_eq!(nobody.post("/v1/self-test/0123", "").await.code(), "self_test_not_found");
    let (name, data) = trial.next().await;
    assert_eq!((name.as_str(), &data["buffered"]), ("verdict", &Value::from(true)));
    let late = nobody.post(first["acknowledge"].as_str().expect("a path"), "").await;
    assert_eq!(late.code(), "self_test_not_found");
}

#[tokio::test]
async fn they_are_bounded() {
    let gate = Gate::start().await;
    let nobody = gate.as_bearer("");
    let mut open = Vec::new();
    for _ in 0..SELF_TESTS_MAX {
        open.push(Trial::open(&nobody).await);
    }
    assert_eq!(nobody.get(STREAM).await.code(), "overloaded");
    drop(open);
    gate.until_gauge("streams", 0).await;
    let (name, _) = Trial::open(&nobody).await.next().await;
    assert_eq!(name, "step");
    assert_eq!(nobody.post(STREAM, "").await.code(), "method_not_allowed");
}

#[tokio::test]
async fn everything_that_streams_tells_proxies_to_hand_it_on() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let writer = Writer::guest(&gate, "c").await;
    let frames = writer.append(FRAMES, framed(&[chunk("a")])).await.headers;
    let chat = r#"{"id":"d","messages":[{"id":"u","role":"user","parts":[]}]}"#;
    let client = gate.client();
    let answers = [
        client.open("GET", "/realtime/v1/sessions/c/out", &[], "").await,
        client.open("POST", "/ai/demo/chat", &[], chat).await,
        client.open("GET", STREAM, &[], "").await,
    ];
    let heads = answers.iter().map(|answer| answer.headers().clone());
    for headers in heads.chain([frames]) {
        let told = ["cache-control", "x-accel-buffering"].map(|name| headers.get(name));
        assert_eq!(told[0].expect("told"), "no-cache, no-transform", "{headers:?}");
        assert_eq!(told[1].expect("told"), "no", "{headers:?}");
    }
}
