//! `GET /api/v1/sessions/{s}/transcript`.

use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use tidegate_core::error::Result;
use tidegate_protocol::limits::TRANSCRIPT_PAGE_MAX;

use crate::service::call::Call;
use crate::service::respond::{self, Response};

/// Messages of a page when the caller does not say.
const PAGE_DEFAULT: usize = 50;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    messages: Vec<Value>,
    cursors: Cursors,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cursors {
    #[serde(skip_serializing_if = "Option::is_none")]
    last_out_event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_in_event_id: Option<String>,
}

/// The newest `limit` messages before `before`, oldest first.
pub(crate) async fn page(call: Call<'_>, name: &str) -> Result<Response> {
    let query = call.query()?;
    let limit = query.number("limit", 1..=TRANSCRIPT_PAGE_MAX)?.unwrap_or(PAGE_DEFAULT);
    let before = query.get("before");
    let page = call.gateway().transcript(&call.principal, name, limit, before).await?;
    let cursors = Cursors {
        last_out_event_id: page.last_out.map(|seq| seq.to_string()),
        last_in_event_id: page.last_in.map(|seq| seq.to_string()),
    };
    let page = Page { messages: page.messages, cursors, next_cursor: page.next_cursor };
    Ok(respond::json(StatusCode::OK, &page))
}
