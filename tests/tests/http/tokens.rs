//! Both minting modes, and what a gateway says about itself.

use serde_json::{Value, json};
use tidegate_protocol::token::claims::{Claims, ISSUER};
use tidegate_protocol::token::jwt;

use crate::harness::{Gate, KEY, ROOT_KEY};

const MINT: &str = "/api/v1/auth/public-tokens";

#[tokio::test]
async fn trap_26_both_modes_mint_tokens_that_work() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let path = "/api/v1/sessions/c";
    // The gateway mints.
    let body = json!({"scopes": ["read:sessions:c"], "expirationTime": "2 hours",
        "oneTimeUse": false, "realtime": {"skipColumns": ["payload"]}});
    let answer = gate.as_bearer(KEY).post(MINT, &body.to_string()).await.json();
    let token = answer["token"].as_str().expect("a token").to_owned();
    assert_eq!(gate.as_bearer(&token).get(path).await.status, 200);
    // The holder of a root key signs with it.
    let claims = gate.as_bearer(ROOT_KEY).post("/api/v1/auth/jwt/claims", "").await.json();
    assert_eq!(claims, json!({"sub": "dev", "pub": true}));
    let now = gate.gateway.access().now_s();
    let mut claims = Claims::public("dev", vec!["read:sessions:c".into()], now, now + 60);
    let token = jwt::sign(&claims, ROOT_KEY.as_bytes());
    assert_eq!(gate.as_bearer(&token).get(path).await.status, 200);
    claims.iss = "https://elsewhere.example".into();
    let token = jwt::sign(&claims, ROOT_KEY.as_bytes());
    assert_eq!(gate.as_bearer(&token).get(path).await.status, 401);
    // Old SDKs sign with the key itself, whatever its shape.
    claims.iss = ISSUER.to_owned();
    let token = jwt::sign(&claims, KEY.as_bytes());
    assert_eq!(gate.as_bearer(&token).get(path).await.status, 200);
}

#[tokio::test]
async fn tokens_that_are_not_minted() {
    let gate = Gate::start().await;
    let now = gate.gateway.access().now_s();
    let scopes = json!(["read:sessions:c"]);
    for (body, param) in [
        (json!({}), "scopes"),
        (json!({"scopes": []}), "scopes"),
        (json!({"scopes": [""]}), "scopes"),
        (json!({"scopes": ["read:sessions:"]}), "scopes"),
        (json!({"scopes": "read"}), "scopes"),
        (json!({"scopes": scopes, "expirationTime": "31d"}), "expirationTime"),
        (json!({"scopes": scopes, "expirationTime": "soon"}), "expirationTime"),
        (json!({"scopes": scopes, "expirationTime": now - 1}), "expirationTime"),
        (json!({"scopes": scopes, "realtime": 1}), "realtime"),
    ] {
        let answer = gate.client().post(MINT, &body.to_string()).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
        assert_eq!(answer.json()["param"], param, "{body}");
    }
    let public = gate.as_bearer(&gate.token(&["admin"]));
    let answer = public.post(MINT, &json!({"scopes": scopes}).to_string()).await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn a_snapshot_address_works_alone_and_opens_nothing_else() {
    let gate = Gate::start().await;
    gate.create("chat/1").await;
    let path = "/api/v1/sessions/chat%2F1/snapshot-url";
    let answer = gate.client().get(path).await.json();
    let url = answer["presignedUrl"].as_str().expect("a URL");
    let (_, path) = url.split_once(&gate.server.local_addr().to_string()).expect("our address");
    let nobody = gate.as_bearer("");
    // There is no transcript yet.
    assert_eq!(nobody.get(path).await.status, 404);
    assert_eq!(nobody.get("/v1/transcripts/chat%2F1").await.status, 403);
    assert_eq!(nobody.get("/v1/transcripts/chat%2F1?token=x").await.status, 401);
    let (_, token) = path.split_once("token=").expect("a token");
    assert_eq!(nobody.get(&format!("/v1/transcripts/other?token={token}")).await.status, 403);
    let bearer = gate.as_bearer(token);
    assert_eq!(bearer.get("/realtime/v1/sessions/chat%2F1/out").await.status, 403);
    assert_eq!(bearer.get("/api/v1/sessions/chat%2F1").await.status, 403);
    let missing = gate.client().get("/api/v1/sessions/none/snapshot-url").await;
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn the_transcript_is_paged_and_read_back() {
    let gate = Gate::start().await;
    gate.create("c").await;
    let client = gate.client();
    let message = crate::harness::message("u1", "hello").to_string();
    client.post("/realtime/v1/sessions/c/in/append", &message).await;
    let mut events = client.read("/realtime/v1/sessions/c/out", &[]).await;
    while !tidegate_protocol::control::is_boundary(&events.next().await.expect("a boundary")) {}
    let page = client.get("/api/v1/sessions/c/transcript?limit=1").await.json();
    assert_eq!(page["messages"].as_array().map(Vec::len), Some(1));
    assert!(page["cursors"]["lastOutEventId"].is_string(), "{page}");
    let before = page["nextCursor"].as_str().expect("an older page");
    let path = format!("/api/v1/sessions/c/transcript?limit=1&before={before}");
    assert_eq!(client.get(&path).await.json()["messages"][0]["id"], "u1");
    let url = client.get("/api/v1/sessions/c/snapshot-url").await.json();
    let url = url["presignedUrl"].as_str().expect("a URL").to_owned();
    let (_, path) = url.split_once(&gate.server.local_addr().to_string()).expect("our address");
    let blob = gate.as_bearer("").get(path).await;
    assert_eq!(blob.header("content-type"), Some(tidegate_protocol::transcript::MEDIA_TYPE));
    let blob = tidegate_protocol::transcript::parse(&blob.body).expect("a blob");
    assert_eq!(blob.entries.len(), 2);
}

#[tokio::test]
async fn discovery_names_versions_and_limits() {
    let gate = Gate::with(|config| config.public_url = Some("https://gw.example/".into())).await;
    let document: Value = gate.as_bearer("").get("/.well-known/tidegate").await.json();
    assert_eq!(document["protocol"]["versions"], json!([1]));
    assert_eq!(document["url"], "https://gw.example");
    assert_eq!(document["limits"]["appendBodyBytes"], 1024 * 1024);
}
