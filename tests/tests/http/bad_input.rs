//! Bad input: typed errors that name what is wrong, and nothing broken afterwards.

use serde_json::{Value, json};

use crate::harness::{FOREIGN_KEY, Gate, create_body};

const OUT: &str = "/realtime/v1/sessions/c/out";

#[tokio::test]
async fn creates_that_are_wrong_name_the_field() {
    let gate = Gate::start().await;
    let with = |key: &str, value: Value| {
        let mut body = create_body("c");
        body[key] = value;
        body.to_string()
    };
    let cases = [
        ("{".to_owned(), None),
        ("[]".to_owned(), None),
        ("null".to_owned(), None),
        ("\"text\"".to_owned(), None),
        (String::new(), None),
        ("{}".to_owned(), Some("type")),
        (with("type", json!(7)), Some("type")),
        (with("taskIdentifier", json!("")), Some("taskIdentifier")),
        (with("externalId", json!("session_mine")), Some("externalId")),
        (with("externalId", json!("a:channels:b")), Some("externalId")),
        (with("externalId", json!("x".repeat(257))), Some("externalId")),
        (with("tags", json!("a")), Some("tags")),
        (with("tags", json!(vec!["t"; 11])), Some("tags")),
        (with("metadata", json!([])), Some("metadata")),
        (with("triggerConfig", json!({})), Some("triggerConfig.basePayload")),
        (with("expiresAt", json!("soon")), Some("expiresAt")),
        (with("expiresAt", json!(5)), Some("expiresAt")),
    ];
    for (body, param) in cases {
        let answer = gate.client().post("/api/v1/sessions", &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
        assert_eq!(answer.json()["param"].as_str(), param, "{body}: {}", answer.text());
    }
}

#[tokio::test]
async fn unknown_fields_are_ignored() {
    let gate = Gate::start().await;
    let mut body = create_body("c");
    body["new"] = json!({"a": 1});
    body["triggerConfig"]["new"] = json!(1);
    let answer = gate.client().post("/api/v1/sessions", &body.to_string()).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json()["triggerConfig"]["new"], 1);
}

#[tokio::test]
async fn an_unknown_agent_is_422() {
    let gate = Gate::start().await;
    let mut body = create_body("c");
    body["taskIdentifier"] = json!("nobody");
    let answer = gate.client().post("/api/v1/sessions", &body.to_string()).await;
    assert_eq!((answer.status, answer.code().as_str()), (422, "unknown_agent"));
}

#[tokio::test]
async fn cursors_that_are_none() {
    let gate = Gate::start().await;
    gate.create("c").await;
    for cursor in ["0,1,2", "-1", "9e99", "+1", "1.0", "9007199254740992", "abc"] {
        let answer = gate.client().call("GET", OUT, &[("last-event-id", cursor)], "").await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_cursor"), "{cursor}");
        let path = format!("{OUT}/records?afterEventId={}", cursor.replace('+', "%2B"));
        assert_eq!(gate.client().get(&path).await.status, 400, "{cursor}");
    }
    // As browsers send it.
    let response = gate.client().open("GET", OUT, &[("last-event-id", "")], "").await;
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn timeouts_that_are_none() {
    let gate = Gate::start().await;
    gate.create("c").await;
    for timeout in ["0", "601", "-1", "1.5", "abc", "1e2", "+5"] {
        let answer = gate.client().call("GET", OUT, &[("timeout-seconds", timeout)], "").await;
        assert_eq!(answer.status, 400, "{timeout}");
        assert_eq!(answer.json()["param"], "timeout-seconds");
    }
}

#[tokio::test]
async fn names_that_are_none() {
    let gate = Gate::start().await;
    let long = "x".repeat(257);
    for name in ["%", "%zz", "%ff", "%C3", "%20", &long, "a%3Achannels%3Ab"] {
        for path in
            [format!("/realtime/v1/sessions/{name}/out"), format!("/api/v1/sessions/{name}")]
        {
            assert_eq!(gate.client().get(&path).await.status, 400, "{path}");
        }
    }
    let channel = "/realtime/v1/sessions/c/channels/a%20b/in/append";
    assert_eq!(gate.client().post(channel, "x").await.status, 400);
    let missing = gate.client().get("/api/v1/sessions/session_unknown").await;
    assert_eq!((missing.status, missing.code().as_str()), (404, "session_not_found"));
}

#[tokio::test]
async fn bodies_that_are_not_text() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let client = gate.client();
    let request = client.request("POST", "/realtime/v1/sessions/c/in/append", &[], "");
    let request = request.map(|_| http_body_util::Full::new(bytes::Bytes::from_static(b"\xff")));
    let answer = client.connect().await.send(request).await;
    assert_eq!(answer.status(), 400);
    let long = "p".repeat(300);
    let part = [("x-part-id", long.as_str())];
    let answer = client.call("POST", "/realtime/v1/sessions/c/in/append", &part, "x").await;
    assert_eq!((answer.status, &answer.json()["param"]), (400, &json!("x-part-id")));
}

#[tokio::test]
async fn credentials_that_open_nothing() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let access = gate.gateway.access();
    let scopes = || vec!["read:sessions:c".to_owned()];
    let expired = access.mint("dev", scopes(), access.now_s(), None, None).expect("a key");
    let foreign = access.mint("prod", scopes(), access.now_s() + 60, None, None).expect("a key");
    let mut forged = gate.token(&["admin"]);
    forged.truncate(forged.len() - 2);
    let long = "k".repeat(20_000);
    for (bearer, status) in [
        ("", 401),
        ("wrong", 401),
        ("a.b.c", 401),
        (&long, 401),
        (&expired, 401),
        (&forged, 401),
        // Valid elsewhere: there is no such session there.
        (&foreign, 404),
        (FOREIGN_KEY, 404),
    ] {
        let answer = gate.as_bearer(bearer).get("/api/v1/sessions/c").await;
        assert_eq!(answer.status, status, "{bearer}: {}", answer.text());
    }
    let basic = [("authorization", "Basic abc")];
    let answer = gate.as_bearer("").call("GET", OUT, &basic, "").await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn the_order_is_credential_then_size_then_scope_then_existence() {
    let gate = Gate::start().await;
    let append = "/realtime/v1/sessions/none/in/append";
    let large = "x".repeat(2 << 20);
    let watcher = gate.as_bearer(&gate.token(&["read:sessions:x"]));
    assert_eq!(gate.as_bearer("wrong").post(append, &large).await.status, 401);
    assert_eq!(watcher.post(append, &large).await.status, 413);
    assert_eq!(watcher.post(append, "x").await.status, 403);
    let writer = gate.as_bearer(&gate.token(&["write:sessions:none"]));
    assert_eq!(writer.post(append, "x").await.status, 404);
}

#[tokio::test]
async fn versions_that_are_not_spoken() {
    let gate = Gate::start().await;
    for version in ["2", "v1", "", "-1"] {
        let headers = [("tidegate-protocol-version", version)];
        let answer = gate.client().call("GET", "/live", &headers, "").await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "unsupported_version"));
        assert!(answer.json()["error"].as_str().is_some_and(|text| text.contains("[1]")));
    }
    let headers = [("tidegate-protocol-version", "1")];
    let answer = gate.client().call("GET", "/live", &headers, "").await;
    assert_eq!(answer.header("tidegate-protocol-version"), Some("1"));
}
