//! `POST …/append`.

use http::StatusCode;
use tidegate_core::error::Result;
use tidegate_core::streams::append::AppendRequest;
use tidegate_protocol::ids::Channel;
use tidegate_protocol::limits::APPEND_BODY_MAX_BYTES;

use crate::service::call::Call;
use crate::service::respond::{self, Response};

/// Appends the body as one record; it is opaque (trap 23).
pub(crate) async fn append(mut call: Call<'_>, name: &str, channel: Channel) -> Result<Response> {
    let body = call.body(APPEND_BODY_MAX_BYTES).await?;
    let part_id = call.header("x-part-id")?.map(str::to_owned);
    let request = AppendRequest { body, part_id, history: None };
    let is_input = channel == Channel::IN;
    let appended = call.append(name, channel, request).await?;
    if is_input && call.version_is_pending(name).await? {
        let body = format!(r#"{{"ok":true,"seq":{},"pendingVersion":true}}"#, appended.first);
        return Ok(respond::raw_json(StatusCode::OK, body));
    }
    Ok(acknowledge(appended.first))
}

/// `{"ok":true,"seq":N}`: clients correlate their turn by it (trap 8).
pub(crate) fn acknowledge(seq: u64) -> Response {
    respond::raw_json(StatusCode::OK, format!(r#"{{"ok":true,"seq":{seq}}}"#))
}
