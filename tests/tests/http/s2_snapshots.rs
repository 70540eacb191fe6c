//! Transcripts that agents with a loop of their own save.

use serde_json::{Value, json};
use tidegate_protocol::limits::SAVED_TRANSCRIPT_MAX_BYTES;
use tidegate_protocol::transcript::{Blob, Entry, render};

use crate::client::Answer;
use crate::harness::Gate;
use crate::s2_writer::run;

const PATH: &str = "/api/v1/sessions/c/snapshot-url";

/// The path of the address that `bearer` gets for `method`.
async fn address(gate: &Gate, bearer: &str, method: &str) -> String {
    let answer = gate.as_bearer(bearer).call(method, PATH, &[], "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let url = answer.json()["presignedUrl"].as_str().expect("a URL").to_owned();
    let (_, path) = url.split_once(&gate.server.local_addr().to_string()).expect("our address");
    path.to_owned()
}

async fn save(gate: &Gate, path: &str, blob: &str) -> Answer {
    gate.as_bearer("").call("PUT", path, &[], blob).await
}

async fn page(gate: &Gate, query: &str) -> Value {
    gate.client().get(&format!("/api/v1/sessions/c/transcript{query}")).await.json()
}

fn blob(ids: &[&str]) -> String {
    let entry = |id: &&str| Entry {
        id: (*id).to_owned(),
        is_final: true,
        message: json!({"id": id, "role": "user", "parts": []}),
    };
    let blob = Blob {
        saved_at: 1,
        last_out_event_id: Some("12".to_owned()),
        last_in_event_id: Some("3".to_owned()),
        state: json!({"private": true}),
        entries: ids.iter().map(entry).collect(),
    };
    String::from_utf8(render(&blob)).expect("text")
}

#[tokio::test]
async fn what_was_saved_is_served_and_paged() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let key = crate::harness::KEY;
    let read = address(&gate, key, "GET").await;
    assert_eq!(gate.as_bearer("").get(&read).await.status, 404);
    let write = address(&gate, key, "PUT").await;
    let saved = blob(&["a", "b", "c"]);
    assert_eq!(save(&gate, &write, &saved).await.status, 200);
    assert_eq!(gate.as_bearer("").get(&read).await.text(), saved);
    let newest = page(&gate, "?limit=2").await;
    assert_eq!(newest["messages"][0]["id"], "b");
    assert_eq!(newest["cursors"], json!({"lastOutEventId": "12", "lastInEventId": "3"}));
    assert!(!newest.to_string().contains("private"));
    let before = newest["nextCursor"].as_str().expect("an older page");
    // The agent writes it anew meanwhile.
    assert_eq!(save(&gate, &write, &blob(&["a", "b", "c", "d"])).await.status, 200);
    let older = page(&gate, &format!("?limit=2&before={before}")).await;
    assert_eq!(older["messages"], json!([{"id": "a", "role": "user", "parts": []}]));
    assert!(older.get("nextCursor").is_none());
    let old = json!({"version": 1, "savedAt": 5, "messages": [{"id": "x"}]}).to_string();
    assert_eq!(save(&gate, &write, &old).await.status, 200);
    assert_eq!(gate.as_bearer("").get(&read).await.text(), old);
    assert_eq!(page(&gate, "").await["messages"], json!([{"id": "x"}]));
    assert_eq!(save(&gate, &write, "no transcript").await.status, 200);
    assert_eq!(page(&gate, "").await["messages"], json!([]));
}

#[tokio::test]
async fn an_address_is_for_one_session_and_one_purpose() {
    let gate = Gate::start().await;
    gate.create("c").await;
    gate.create("other").await;
    let key = crate::harness::KEY;
    let (read, write) = (address(&gate, key, "GET").await, address(&gate, key, "PUT").await);
    assert_eq!(save(&gate, &read, "x").await.status, 401);
    assert_eq!(gate.as_bearer("").get(&write).await.status, 401);
    let elsewhere = write.replace("/c?", "/other?");
    assert_eq!(save(&gate, &elsewhere, "x").await.status, 403);
    assert_eq!(save(&gate, "/v1/transcripts/c", "x").await.status, 403);
    assert_eq!(save(&gate, "/v1/transcripts/c?token=x", "x").await.status, 401);
    let (_, token) = write.split_once("token=").expect("a token");
    assert_eq!(gate.as_bearer(token).get("/api/v1/sessions/c").await.status, 401);
    let public = gate.token(&["admin"]);
    let refused = gate.as_bearer(&public).call("PUT", PATH, &[], "").await;
    assert_eq!(refused.status, 403);
    let missing = gate.client().call("PUT", "/api/v1/sessions/none/snapshot-url", &[], "").await;
    assert_eq!(missing.status, 404);
    let large = "x".repeat(SAVED_TRANSCRIPT_MAX_BYTES + 1);
    assert_eq!(save(&gate, &write, &large).await.code(), "body_too_large");
}

#[tokio::test]
async fn a_run_that_was_cut_off_saves_nothing() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let (token, _) = run(&gate, "c", "run_1").await;
    let late = address(&gate, &token, "PUT").await;
    assert_eq!(save(&gate, &late, &blob(&["first"])).await.status, 200);
    let session = tidegate_protocol::ids::SessionKey::new("dev", "c");
    let release = tidegate_core::seams::store::LeaseRequest::Release { holder: "run_1".to_owned() };
    gate.gateway.store().lease(&session, release).await.expect("its own lease");
    let (token, _) = run(&gate, "c", "run_2").await;
    let refused = save(&gate, &late, &blob(&["late"])).await;
    assert_eq!((refused.status, refused.code().as_str()), (409, "fenced"));
    assert_eq!(page(&gate, "").await["messages"][0]["id"], "first");
    let current = address(&gate, &token, "PUT").await;
    assert_eq!(save(&gate, &current, &blob(&["second"])).await.status, 200);
    assert_eq!(page(&gate, "").await["messages"][0]["id"], "second");
}
