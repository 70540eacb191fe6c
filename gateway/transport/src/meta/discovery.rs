//! `GET /.well-known/tidegate`: versions, bindings, limits.

use http::StatusCode;
use http::request::Parts;
use serde_json::{Value, json};
use tidegate_protocol::{duplex, limits, link, version};

use super::address;
use crate::service::app::App;
use crate::service::respond::{self, Response};

/// What this gateway speaks.
pub(crate) fn show(app: &App, tls: bool, parts: &Parts) -> Response {
    let base = address::base(app, tls, parts);
    respond::json(StatusCode::OK, &document(&base))
}

fn document(base: &str) -> Value {
    json!({
        "name": "tidegate",
        "version": env!("CARGO_PKG_VERSION"),
        "url": base,
        "protocol": {"versions": version::SUPPORTED, "default": version::DEFAULT},
        "bindings": {
            "http-sse": {"sessions": "/api/v1/sessions", "streams": "/realtime/v1/sessions"},
            "ai-sdk": {"chat": "/ai/{agent}/chat", "socket": "/ai/{agent}/ws"},
            "duplex": {"connect": duplex::PATH, "subprotocols": [duplex::SUBPROTOCOL]},
            "agent-link": {"link": link::PATH, "subprotocols": [link::SUBPROTOCOL]},
        },
        "capabilities": ["settled-peek", "side-channels", "input-fates", "transcripts"],
        "limits": {
            "appendBodyBytes": limits::APPEND_BODY_MAX_BYTES,
            "recordBytes": limits::RECORD_MAX_BYTES,
            "createBodyBytes": limits::CREATE_BODY_MAX_BYTES,
            "chatBodyBytes": limits::CHAT_BODY_MAX_BYTES,
            "jsonBodyBytes": limits::JSON_BODY_MAX_BYTES,
            "recordsPage": limits::RECORDS_PAGE_MAX,
            "listPage": limits::LIST_PAGE_MAX,
            "transcriptPage": limits::TRANSCRIPT_PAGE_MAX,
            "readTimeoutSeconds": {
                "default": limits::READ_TIMEOUT_DEFAULT_S,
                "max": limits::READ_TIMEOUT_MAX_S,
            },
            "pingIntervalMs": limits::PING_INTERVAL_MS,
        },
    })
}
