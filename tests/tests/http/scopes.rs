//! What each kind of token opens, on every route.

use crate::harness::{Gate, KEY, create_body};

/// Method, path, body, and which of the credentials get in, in the order of [`CREDENTIALS`].
type Row = (&'static str, &'static str, &'static str, [bool; 7]);

const CREDENTIALS: [&str; 6] = [
    "read:sessions:c",
    "write:sessions:c",
    "admin:sessions:c",
    "read:sessions:c:out",
    "read:sessions:other",
    "trigger:tasks:demo",
];

const ROWS: [Row; 19] = [
    // The secret key, then read, write, admin, read .out, another session, a task.
    ("GET", "/api/v1/sessions/{s}", "", [true, true, false, false, false, false, false]),
    ("PATCH", "/api/v1/sessions/{s}", "{}", [true, false, false, true, false, false, false]),
    ("GET", "/api/v1/sessions", "", [true, false, false, false, false, false, false]),
    ("GET", "/api/v1/sessions/{s}/transcript", "", ONLY_SECRET),
    ("GET", "/api/v1/sessions/{s}/snapshot-url", "", ONLY_SECRET),
    ("POST", "/api/v1/auth/jwt/claims", "", ONLY_SECRET),
    ("POST", "/api/v1/auth/public-tokens", r#"{"scopes":["read:sessions"]}"#, ONLY_SECRET),
    ("POST", "/realtime/v1/sessions/{s}/in/append", "x", WRITE),
    ("POST", "/realtime/v1/sessions/{s}/out/append", "{}", ONLY_SECRET),
    ("GET", "/realtime/v1/sessions/{s}/out", "", READ_OUT),
    ("HEAD", "/realtime/v1/sessions/{s}/out", "", READ_OUT),
    ("GET", "/realtime/v1/sessions/{s}/out/records", "", READ_OUT),
    ("GET", "/realtime/v1/sessions/{s}/in", "", ONLY_SECRET),
    ("GET", "/realtime/v1/sessions/{s}/in/records", "", ONLY_SECRET),
    ("PUT", "/realtime/v1/sessions/{s}/out", "", ONLY_SECRET),
    ("POST", "/realtime/v1/sessions/{s}/channels/x/in/append", "x", WRITE),
    ("GET", "/realtime/v1/sessions/{s}/channels/x/out", "", READ),
    ("GET", "/v1/sessions/{s}/inputs", "", READ),
    ("POST", "/api/v1/sessions/{s}/close", "{}", [true, false, false, true, false, false, false]),
];

const ONLY_SECRET: [bool; 7] = [true, false, false, false, false, false, false];
const READ: [bool; 7] = [true, true, false, false, false, false, false];
const READ_OUT: [bool; 7] = [true, true, false, false, true, false, false];
const WRITE: [bool; 7] = [true, false, true, false, false, false, false];

#[tokio::test]
async fn every_route_asks_for_its_right_by_either_name() {
    let gate = Gate::start().await;
    let id = gate.create("c").await["id"].as_str().expect("an id").to_owned();
    let bearers: Vec<String> = std::iter::once(KEY.to_owned())
        .chain(CREDENTIALS.iter().map(|scope| gate.token(&[scope])))
        .collect();
    for (method, path, body, allowed) in ROWS {
        for name in ["c", &id] {
            let path = path.replace("{s}", name);
            // Refusals first: the last row closes the session.
            for (bearer, allowed) in bearers.iter().zip(allowed).rev() {
                let client = gate.as_bearer(bearer);
                let status = client.open(method, &path, &[], body).await.status().as_u16();
                let scope = bearers.iter().position(|b| b == bearer);
                assert_eq!(status != 403, allowed, "{method} {path} {scope:?}: {status}");
                assert!(status == 403 || status < 300 || method == "PUT", "{path}: {status}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_for_the_friendly_id_opens_the_external_name() {
    let gate = Gate::start().await;
    let id = gate.create("c").await["id"].as_str().expect("an id").to_owned();
    let token = gate.token(&[&format!("write:sessions:{id}")]);
    let append = gate.as_bearer(&token).post("/realtime/v1/sessions/c/in/append", "x").await;
    assert_eq!(append.status, 200);
}

#[tokio::test]
async fn tokens_may_create_what_their_scope_names() {
    let gate = Gate::start().await;
    for (scope, status) in [
        ("write:tasks:demo", 201),
        ("write:sessions:n2", 201),
        ("write:sessions", 201),
        ("write:tasks:other", 403),
        ("write:sessions:n1", 403),
        ("read:sessions", 403),
    ] {
        let name = if scope == "write:sessions:n2" { "n2".to_owned() } else { format!("x{scope}") };
        let name = name.replace(':', "-");
        let client = gate.as_bearer(&gate.token(&[scope]));
        let answer = client.post("/api/v1/sessions", &create_body(&name).to_string()).await;
        assert_eq!(answer.status, status, "{scope}: {}", answer.text());
    }
}
