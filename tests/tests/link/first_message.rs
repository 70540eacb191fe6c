//! A message in the base payload, whose run dies with the gateway (R-RUNS-5).

use serde_json::{Value, json};
use tidegate_tests::process::Gateway;

use crate::raw::Raw;

#[tokio::test]
async fn a_reader_brings_the_first_run_back() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = format!("disk:{}", dir.path().join("data").display());
    let mut gateway = Gateway::start(dir.path(), &store, "").await;
    let mut worker = Raw::join_runs(&gateway, "first").await;
    let message = json!({"id": "u1", "role": "user", "parts": [{"type": "text", "text": "hi"}]});
    let create = json!({"type": "chat.agent", "externalId": "c", "taskIdentifier": "own",
        "triggerConfig": {"basePayload": {"trigger": "submit-message", "message": message}}});
    let client = gateway.client();
    let created = client.post("/api/v1/sessions", &[], &create.to_string()).await.expect("up");
    assert_eq!(created.status, 201);
    let boot = worker.next_of("boot").await;
    assert_eq!((&boot["attempt"], &boot["payload"]["message"]["id"]), (&json!(1), &json!("u1")));
    gateway.kill();
    drop(worker);
    gateway.restart().await;
    let mut worker = Raw::join_runs(&gateway, "second").await;
    let _reader = gateway.client().follow("/realtime/v1/sessions/c/out", None).await.expect("up");
    let again = worker.next_of("boot").await;
    assert_eq!((&again["run"], &again["attempt"]), (&boot["run"], &json!(2)));
    assert_eq!(again["payload"]["message"], boot["payload"]["message"]);
    assert_ne!(again["fence"], boot["fence"]);
    let null: &Value = &Value::Null;
    assert_ne!(&again["cause"], null, "why the first one ended");
}
