//! `POST /s2/v1/streams/{stream}/records`: one append, or a session of them.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use tidegate_core::Gateway;
use tidegate_core::error::Result;
use tidegate_core::seams::store::Appended;
use tidegate_core::streams::write::WriteGrant;
use tidegate_protocol::limits::S2_BODY_MAX_BYTES;
use tidegate_protocol::s2::{AppendAck, AppendInput, Position, json, proto};
use tidegate_protocol::{ApiError, ErrorCode};

use super::refusal;
use super::session::Appends;
use crate::body::Body;
use crate::service::app::App;
use crate::service::finish::ToTheEnd;
use crate::service::request_body::RequestBody;
use crate::service::respond::{self, Response};
use crate::service::{auth, errors, read_body};

const PROTOBUF: &str = "application/protobuf";
const FRAMES: &str = "s2s/proto";

/// Answers an append; refusals are of the form that S2 clients read.
pub(crate) async fn append(
    app: &Arc<App>,
    parts: &Parts,
    body: RequestBody,
    stream: &str,
) -> Response {
    let answered = serve(app, parts, body, stream).await;
    answered.unwrap_or_else(|error| errors::s2_response(&error))
}

async fn serve(
    app: &Arc<App>,
    parts: &Parts,
    mut body: RequestBody,
    stream: &str,
) -> Result<Response> {
    let token = auth::bearer_of(parts)?;
    let grant = app.gateway.access().write_grant(token, stream)?;
    if parts.headers.get("s2-format").is_some_and(|format| format != "raw") {
        let message = "bodies are raw here; send bytes as protobuf";
        return Err(ApiError::new(ErrorCode::Unprocessable, message).at("s2-format"));
    }
    let kind = content_type(parts);
    if kind == FRAMES {
        let permit = app.stream_permit()?;
        let appends = Appends::new(app.gateway.clone(), grant, body, permit);
        let mut response = typed(Body::appends(appends), FRAMES);
        respond::unbuffered(response.headers_mut());
        return Ok(response);
    }
    let timeout = app.limits.body_timeout;
    let bytes = read_body::read(&parts.headers, &mut body, S2_BODY_MAX_BYTES, timeout).await?;
    match kind.as_str() {
        PROTOBUF => {
            let input = proto::decode_input(bytes).map_err(|error| refusal::input(&error))?;
            let ack = write(&app.gateway, &grant, input)?.await?;
            Ok(typed(Body::from(proto::encode_ack(&acknowledge(ack))), PROTOBUF))
        }
        "" | "application/json" => {
            let input = json::decode_input(&bytes).map_err(|error| refusal::input(&error))?;
            let ack = write(&app.gateway, &grant, input)?.await?;
            Ok(respond::raw_json(StatusCode::OK, json::encode_ack(&acknowledge(ack))))
        }
        _ => {
            let message = format!("appends are application/json, {PROTOBUF} or {FRAMES}");
            Err(ApiError::new(ErrorCode::InvalidBody, message).at("content-type"))
        }
    }
}

/// One append of a frame.
pub(super) fn write_frame(
    gateway: &Gateway,
    grant: &WriteGrant,
    frame: Bytes,
) -> Result<ToTheEnd<Result<Appended>>> {
    let input = proto::decode_input(frame).map_err(|error| refusal::input(&error))?;
    write(gateway, grant, input)
}

/// Where the records of an append landed, as S2 says it.
pub(super) fn acknowledge(appended: Appended) -> AppendAck {
    let at = |seq_num| Position { seq_num, timestamp: appended.timestamp };
    let end = at(appended.first + appended.count);
    AppendAck { start: at(appended.first), end, tail: end }
}

/// Begins an append, which ends even if the client goes away meanwhile.
fn write(
    gateway: &Gateway,
    grant: &WriteGrant,
    input: AppendInput,
) -> Result<ToTheEnd<Result<Appended>>> {
    let records = input.into_records().map_err(|error| refusal::input(&error))?;
    let frame_key = grant.frame_key(&records);
    let (gateway, grant) = (gateway.clone(), grant.clone());
    Ok(ToTheEnd::of(async move { gateway.append_out(&grant, records, frame_key).await }))
}

fn content_type(parts: &Parts) -> String {
    let value = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = value.unwrap_or_default().split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

fn typed(body: Body, kind: &'static str) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
