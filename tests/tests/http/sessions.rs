//! Create, retrieve, update, close (trigger-client §1.1, §1.7–1.9).

use serde_json::{Value, json};

use crate::harness::{Gate, create_body};

#[tokio::test]
async fn trap_18_the_create_answer_has_every_key_that_clients_check() {
    let gate = Gate::start().await;
    let created = gate.create("c").await;
    for key in ["id", "type", "taskIdentifier", "runId", "publicAccessToken", "createdAt"] {
        assert!(created[key].is_string(), "{key}: {created}");
    }
    for key in ["closedReason", "metadata", "closedAt", "expiresAt"] {
        assert_eq!(created.get(key), Some(&Value::Null), "{key}");
    }
    assert_eq!(created["externalId"], "c");
    assert_eq!(created["isCached"], false);
    assert_eq!(created["tags"], json!([]));
    assert!(created["triggerConfig"]["basePayload"].is_object());
    let found = gate.try_create("c").await;
    assert_eq!(found.status, 200);
    assert_eq!(found.json()["id"], created["id"]);
    assert_eq!(found.json()["isCached"], true);
}

#[tokio::test]
async fn a_session_is_retrieved_changed_and_closed_by_either_name() {
    let gate = Gate::start().await;
    let id = gate.create("chat/1 ä").await["id"].as_str().expect("an id").to_owned();
    let client = gate.client();
    for name in ["chat%2F1%20%C3%A4", &id] {
        let answer = client.get(&format!("/api/v1/sessions/{name}")).await;
        assert_eq!((answer.status, &answer.json()["id"]), (200, &json!(id)), "{name}");
    }
    let path = "/api/v1/sessions/chat%2F1%20%C3%A4";
    let update = json!({"tags": ["a"], "metadata": {"k": 1}}).to_string();
    let answer = client.call("PATCH", path, &[], &update).await;
    assert_eq!(answer.json()["metadata"], json!({"k": 1}));
    let answer = client.call("PATCH", path, &[], r#"{"metadata":null}"#).await;
    assert_eq!((&answer.json()["metadata"], &answer.json()["tags"]), (&Value::Null, &json!(["a"])));
    let answer = client.call("PATCH", path, &[], r#"{"externalId":"other"}"#).await;
    assert_eq!((answer.status, answer.code().as_str()), (422, "unprocessable"));

    let closed = client.post(&format!("{path}/close"), r#"{"reason":"bye"}"#).await;
    assert_eq!(closed.json()["closedReason"], "bye");
    assert!(closed.json()["closedAt"].is_string());
    let again = client.post(&format!("{path}/close"), r#"{"reason":"later"}"#).await;
    assert_eq!((again.status, &again.json()["closedReason"]), (200, &json!("bye")));
}

#[tokio::test]
async fn a_close_needs_no_body() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let answer = gate.client().post("/api/v1/sessions/c/close", "").await;
    assert_eq!((answer.status, &answer.json()["closedReason"]), (200, &Value::Null));
}

#[tokio::test]
async fn an_expired_session_takes_no_input() {
    let gate = Gate::start().await;
    let mut body = create_body("c");
    body["expiresAt"] = json!("2001-01-01T00:00:00Z");
    let answer = gate.client().post("/api/v1/sessions", &body.to_string()).await;
    assert_eq!((answer.status, &answer.json()["param"]), (400, &json!("expiresAt")));
    body["expiresAt"] = json!("2999-01-01T00:00:00.000Z");
    let answer = gate.client().post("/api/v1/sessions", &body.to_string()).await;
    assert_eq!(answer.json()["expiresAt"], "2999-01-01T00:00:00.000Z");
}

#[tokio::test]
async fn a_repeated_create_without_a_name_finds_its_session() {
    let gate = Gate::start().await;
    let mut body = create_body("c");
    body.as_object_mut().expect("an object").remove("externalId");
    let headers = [("x-trigger-request-idempotency-key", "k1")];
    let create = || async {
        gate.client().call("POST", "/api/v1/sessions", &headers, &body.to_string()).await.json()
    };
    let (first, second) = (create().await, create().await);
    assert_eq!(first["id"], second["id"]);
    assert_eq!(second["externalId"], Value::Null);
}
