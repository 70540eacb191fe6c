//! Tables that are refused, and what the refusal says.

use serde_json::{Value, json};
use tidegate_agents::build;

fn refusal(backend: &str, table: Value) -> String {
    build(backend, "my-chat", table).unwrap_err().to_string()
}

#[test]
fn good_tables_are_taken() {
    build("demo", "x", json!({})).unwrap();
    build("demo", "x", json!({"words_per_second": 0})).unwrap();
    build("ai_sdk", "x", json!({"url": "http://[::1]:3000/api/chat?x=1"})).unwrap();
    let full = json!({
        "url": "http://127.0.0.1:8000/v1",
        "model": "m",
        "api_key": "sk-1",
        "system": "Be brief.",
        "temperature": 0.5,
        "max_tokens": 100,
        "tools": [{"name": "t", "description": "d", "parameters": {"type": "object"}}],
        "headers": {"x-a": "1"},
        "timeouts": {"connect_ms": 1, "first_byte_ms": 2, "idle_ms": 3, "total_ms": 4},
        "extra_body": {"seed": 1},
    });
    let backend = build("openai", "x", full).unwrap();
    assert!(!backend.abilities().actions);
    assert!(!format!("{backend:?}").contains("sk-1"));
}

#[test]
fn a_refusal_names_agent_and_key() {
    let url = "http://h/";
    let cases = [
        ("ai_sdk", json!({}), "missing field `url`"),
        ("ai_sdk", json!({"url": url, "modle": 1}), "unknown field `modle`"),
        ("ai_sdk", json!({"url": url, "timeouts": {"connect": 1}}), "unknown field `connect`"),
        ("ai_sdk", json!({"url": url, "timeouts": {"idle_ms": 0}}), "`timeouts.idle_ms`: must be"),
        ("ai_sdk", json!({"url": "localhost:3000"}), "`url`: "),
        ("ai_sdk", json!({"url": "http://me:pw-12345@h/"}), "`url`: must not hold credentials"),
        ("ai_sdk", json!({"url": url, "headers": {"b d": "1"}}), "`headers.b d`: is no header"),
        ("ai_sdk", json!({"url": url, "headers": {"x": "a\nb"}}), "`headers.x`: has a character"),
        ("ai_sdk", json!({"url": url, "headers": {"Connection": "x"}}), "`headers.Connection`"),
        ("ai_sdk", json!({"url": url, "headers": {"x": "env:NO_SUCH_VAR"}}), "NO_SUCH_VAR"),
        ("openai", json!({"url": url}), "missing field `model`"),
        ("openai", json!({"url": url, "model": "m", "api_key": "file:/no/file"}), "`api_key`: "),
        ("openai", json!({"url": url, "model": "m", "tools": [{}]}), "missing field `name`"),
        ("demo", json!({"words_per_second": -1}), "invalid value"),
        ("magic", json!({}), "unknown backend \"magic\", expected ai_sdk, demo, link, openai"),
    ];
    for (backend, table, reason) in cases {
        let refusal = refusal(backend, table);
        assert!(refusal.starts_with("agent \"my-chat\": "), "{refusal}");
        assert!(refusal.contains(reason), "{refusal} should say {reason}");
        assert!(!refusal.contains("pw-12345"), "{refusal}");
    }
}
