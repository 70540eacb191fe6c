//! Workers that break the rules once they hold work (R-LNK-19 to R-LNK-22): a typed error each,
//! and no other session notices.

use serde_json::{Value, json};

use crate::chat::Chat;
use crate::raw::Raw;
use crate::worker::{Running, gateway, scripted};

/// A worker by hand with one turn to answer, and a bystander with a session that goes on.
struct Scene {
    raw: Raw,
    id: String,
    chat: Chat,
    seq: u64,
    bystander: Chat,
    good: Running,
    _gateway: tidegate_tests::process::Gateway,
    _dir: tempfile::TempDir,
}

impl Scene {
    async fn set() -> Self {
        let (gateway, dir) = gateway().await;
        let good = Running::start(&gateway.address, "1", vec![scripted("good")]);
        crate::raw::until_known(&gateway, "good").await;
        let bystander = Chat::create(&gateway, "good", "bystander").await;
        let mut raw = Raw::join(&gateway, "bad", &["a"]).await;
        let mut chat = Chat::create(&gateway, "a", "c1").await;
        let seq = chat.say("hello").await;
        let turn = raw.next_of("turn").await;
        let id = turn["id"].as_str().expect("an id").to_owned();
        Self { raw, id, chat, seq, bystander, good, _gateway: gateway, _dir: dir }
    }

    fn out(&self, seq: u64, chunks: &Value) -> Value {
        json!({"t": "out", "id": self.id, "seq": seq, "chunks": chunks})
    }

    /// What the gateway says to a frame: `code` and `seq` of its error.
    async fn error(&mut self, frame: &Value) -> (String, Value) {
        self.raw.send(frame).await;
        let error = self.raw.next_of("error").await;
        (error["code"].as_str().expect("a code").to_owned(), error["seq"].clone())
    }

    /// The turn can still be answered over the same link.
    async fn finish(mut self, seq: u64) {
        let chunks = json!([{"type": "text-start", "id": "1"},
            {"type": "text-delta", "id": "1", "delta": "done"}, {"type": "text-end", "id": "1"}]);
        let out = self.out(seq, &chunks);
        self.raw.send(&out).await;
        self.raw.send(&json!({"t": "done", "id": self.id, "seq": seq + 1})).await;
        assert_eq!(self.chat.answer(self.seq).await, "done");
        self.over().await;
    }

    /// Nobody else noticed.
    async fn over(mut self) {
        assert_eq!(self.bystander.ask("hello").await, "You said: hello");
        self.good.drain().await.expect("drained");
    }
}

#[tokio::test]
async fn frames_for_work_that_is_not_held() {
    let mut scene = Scene::set().await;
    for frame in [
        json!({"t": "out", "id": "t_other", "seq": 1, "chunks": []}),
        json!({"t": "done", "id": "", "seq": 1}),
        json!({"t": "ready", "id": "run_other:1"}),
        json!({"t": "exit", "id": "run_other:1"}),
    ] {
        assert_eq!(scene.error(&frame).await.0, "not_held", "{frame}");
    }
    scene.finish(1).await;
}

#[tokio::test]
async fn a_malformed_chunk_is_refused_and_the_turn_goes_on() {
    let mut scene = Scene::set().await;
    for (seq, chunks) in [(1, json!([7])), (2, json!([{"no": "type"}])), (3, json!([null]))] {
        let frame = scene.out(seq, &chunks);
        assert_eq!(scene.error(&frame).await, ("invalid_body".to_owned(), json!(seq)));
    }
    scene.finish(4).await;
}

#[tokio::test]
async fn a_repeated_frame_is_ignored() {
    let mut scene = Scene::set().await;
    let chunks = json!([{"type": "text-start", "id": "1"},
        {"type": "text-delta", "id": "1", "delta": "once"}]);
    for _ in 0..2 {
        let frame = scene.out(1, &chunks);
        scene.raw.send(&frame).await;
    }
    scene.raw.send(&json!({"t": "done", "id": scene.id, "seq": 2})).await;
    assert_eq!(scene.chat.answer(scene.seq).await, "once");
    scene.over().await;
}

#[tokio::test]
async fn a_gap_loses_the_work() {
    let mut scene = Scene::set().await;
    let frame = scene.out(3, &json!([{"type": "x"}]));
    assert_eq!(scene.error(&frame).await, ("seq_gap".to_owned(), json!(3)));
    lost(scene).await;
}

#[tokio::test]
async fn more_than_the_window_loses_the_work() {
    let mut scene = Scene::set().await;
    // One frame is taken whatever its size; before it is committed, the next is too much.
    let chunk = json!({"type": "data-x", "data": vec![0; 400_000]});
    let first = scene.out(1, &Value::from(vec![chunk; 16]));
    let second = scene.out(2, &json!([{"type": "x"}]));
    scene.raw.send_together(&[first, second]).await;
    let error = scene.raw.next_of("error").await;
    assert_eq!((&error["code"], &error["seq"]), (&json!("window_exceeded"), &json!(2)));
    lost(scene).await;
}

/// The turn is asked of the worker again, under another name, or was ended for it.
async fn lost(mut scene: Scene) {
    let old = scene.id.clone();
    let late = json!({"t": "done", "id": old, "seq": 99});
    assert_eq!(scene.error(&late).await.0, "not_held");
    scene.over().await;
}
