//! A run's boundary that is sent again, because its acknowledgement was lost (R-S2-19).

use serde_json::{Value, json};
use tidegate_store::servers::{Config, Redis};
use tidegate_tests::client::Client;
use tidegate_tests::process::Gateway;

use crate::raw::Raw;

/// Appends one record to `.out` as the run with `token` does; its seq.
async fn append(gateway: &Gateway, token: &str, record: &Value) -> u64 {
    let run = Client::new(&gateway.address, token);
    let credentials = run.put("/realtime/v1/sessions/c/out").await.expect("up");
    let header = |name: &str| credentials.headers[name].to_str().expect("text").to_owned();
    let stream = header("x-s2-stream-name").replace('/', "%2F");
    let writer = Client::new(&gateway.address, &header("x-s2-access-token"));
    let path = format!("/s2/v1/streams/{stream}/records");
    let body = json!({"records": [record]}).to_string();
    let answer = writer.post(&path, &[], &body).await.expect("up");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["start"]["seq_num"].as_u64().expect("a seq")
}

fn boundary(at: &str, public: &str) -> Value {
    json!({"body": "", "headers": [["trigger-control", "turn-complete"],
        ["session-in-event-id", at], ["public-access-token", public]]})
}

/// A run of the agent `own` at `worker`; its token.
async fn boot(gateway: &Gateway, worker: &mut Raw) -> String {
    let create = json!({"type": "chat.agent", "externalId": "c", "taskIdentifier": "own",
        "triggerConfig": {"basePayload": {"trigger": "preload"}}});
    let client = gateway.client();
    let created = client.post("/api/v1/sessions", &[], &create.to_string()).await.expect("up");
    assert_eq!(created.status, 201);
    let boot = worker.next_of("boot").await;
    boot["token"].as_str().expect("a token").to_owned()
}

#[tokio::test]
async fn is_written_once() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let gateway = Gateway::start(dir.path(), "memory:", "").await;
    let mut worker = Raw::join_runs(&gateway, "w").await;
    let token = &boot(&gateway, &mut worker).await;
    let body = r#"{"data":{"type":"start"},"id":"a"}"#;
    let chunk = json!({"body": body, "headers": []});
    let bare = json!({"body": "", "headers": [["trigger-control", "turn-complete"]]});
    // What is asked, and the seq it gets.
    let asked = [
        (&boundary("0", "one"), 0),
        (&boundary("0", "one"), 0),
        // A token is no part of what is stored.
        (&boundary("0", "another"), 0),
        (&boundary("1", "one"), 1),
        (&chunk, 2),
        // The same once more, but it ends another turn.
        (&boundary("1", "one"), 3),
        (&boundary("1", "one"), 3),
        // These say nothing of which input they end.
        (&bare, 4),
        (&bare, 5),
    ];
    for (record, seq) in asked {
        assert_eq!(append(&gateway, token, record).await, seq, "{record}");
    }
}

/// Its gateway was killed. Until that is known, the session is nobody's: who writes the boundary
/// again waits, for its client gives up after a few refusals.
#[tokio::test]
async fn is_written_once_while_nobody_knows_that_its_gateway_is_dead() {
    let dirs = [(); 2].map(|()| tempfile::tempdir().expect("a temporary directory"));
    let redis = Redis::start(Config::default());
    let mut first = Gateway::start(dirs[0].path(), &redis.url(), "").await;
    let second = Gateway::start(dirs[1].path(), &redis.url(), "").await;
    let mut worker = Raw::join_runs(&first, "w").await;
    let token = &boot(&first, &mut worker).await;
    let record = &boundary("0", "one");
    assert_eq!(append(&second, token, record).await, 0);
    first.kill();
    assert_eq!(append(&second, token, record).await, 0);
}
