//! CORS on every answer (trigger-client §1.13, trap 28).

use crate::client::Answer;
use crate::harness::{Gate, create_body};

fn is_readable_by_pages(answer: &Answer) {
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{}", answer.text());
    assert!(answer.header("access-control-expose-headers").is_some());
    assert_eq!(answer.header("tidegate-protocol-version"), Some("1"));
}

#[tokio::test]
async fn preflights_are_unauthenticated_and_allow_what_is_asked() {
    let gate = Gate::start().await;
    let asked = "authorization,content-type,x-part-id,x-my-app";
    let headers = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", asked),
    ];
    let nobody = gate.as_bearer("");
    for path in ["/realtime/v1/sessions/c/in/append", "/realtime/v1/sessions/c/out", "/api/v1/x"] {
        let answer = nobody.call("OPTIONS", path, &headers, "").await;
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("access-control-allow-headers"), Some(asked));
        let methods = answer.header("access-control-allow-methods").expect("methods");
        for method in ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"] {
            assert!(methods.contains(method), "{methods}");
        }
        assert_eq!(answer.header("access-control-max-age"), Some("300"));
        is_readable_by_pages(&answer);
    }
}

#[tokio::test]
async fn every_error_can_be_read_by_a_page() {
    let gate = Gate::start().await;
    gate.create("c").await;
    gate.create("closed").await;
    let client = gate.client();
    client.post("/api/v1/sessions/closed/close", "{}").await;
    let out = "/realtime/v1/sessions/c/out";
    let append = "/realtime/v1/sessions/c/in/append";
    let large = "x".repeat(2 << 20);
    let mut unknown = create_body("u");
    unknown["taskIdentifier"] = "nobody".into();
    let watcher = gate.as_bearer(&gate.token(&["read:sessions:c"]));
    let answers = [
        (200, client.post(append, "x").await),
        (400, client.post("/api/v1/sessions", "{").await),
        (401, gate.as_bearer("").post(append, "x").await),
        (401, gate.as_bearer("wrong").get(out).await),
        (403, watcher.post(append, "x").await),
        (404, client.get("/nothing/here").await),
        (404, client.post("/realtime/v1/sessions/none/in/append", "x").await),
        (405, client.call("DELETE", "/api/v1/sessions/c", &[], "").await),
        (409, client.post("/realtime/v1/sessions/closed/in/append", "x").await),
        (413, client.post(append, &large).await),
        (422, client.post("/api/v1/sessions", &unknown.to_string()).await),
    ];
    for (status, answer) in answers {
        assert_eq!(answer.status, status, "{}", answer.text());
        is_readable_by_pages(&answer);
        if status >= 400 {
            let body = answer.json();
            assert!(body["error"].is_string() && body["code"].is_string(), "{body}");
            assert!(answer.header("x-should-retry").is_some());
        }
    }
}

#[tokio::test]
async fn a_denial_has_the_form_that_clients_know() {
    let gate = Gate::start().await;
    let watcher = gate.as_bearer(&gate.token(&["read:sessions:c"]));
    let body = watcher.post("/realtime/v1/sessions/c/in/append", "x").await.json();
    assert_eq!(body["code"], "unauthorized");
    assert_eq!(body["param"], "access_token");
    assert_eq!(body["type"], "authorization");
}
