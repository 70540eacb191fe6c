//! `GET …/{io}`: a stream as server-sent events (trigger-client §1.3, §3).

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use tidegate_core::error::Result;
use tidegate_protocol::cursor::{Start, parse_from, parse_last_event_id};
use tidegate_protocol::ids::Channel;
use tidegate_protocol::limits::{READ_TIMEOUT_DEFAULT_S, READ_TIMEOUT_MAX_S};
use tidegate_protocol::{ApiError, ErrorCode};

use crate::body::Body;
use crate::service::call::Call;
use crate::service::query::refused;
use crate::service::respond::{self, Response};
use crate::sse::reader::{Reader, ReaderParts};

const TIMEOUT_SECONDS: &str = "timeout-seconds";
const STREAM_VERSION: HeaderName = HeaderName::from_static("x-stream-version");
const SESSION_SETTLED: HeaderName = HeaderName::from_static("x-session-settled");

/// Opens the stream. Its headers go out at once, also where there is no record yet (trap 3).
pub(crate) async fn open(call: Call<'_>, name: &str, channel: &Channel) -> Result<Response> {
    let start = start(&call)?;
    let timeout = timeout(&call)?;
    let peeks = *channel == Channel::OUT && call.header("x-peek-settled")? == Some("1");
    let permit = call.stream_permit()?;
    let gateway = call.gateway();
    let reading = gateway.open_read(&call.principal, name, channel, start).await?;
    let settled = match peeks {
        true => {
            let stream = reading.follower.stream().clone();
            gateway.is_settled(&stream, &reading.state).await?
        }
        false => false,
    };
    let reader = Reader::new(ReaderParts {
        until: settled.then_some(reading.state.tail),
        reading,
        timeout,
        needs_boundary: *channel == Channel::OUT
            && call.principal.is_secret()
            && call.header(TIMEOUT_SECONDS)?.is_none(),
        permit,
        drain: call.app.drain.watch(),
        gateway: gateway.clone(),
    });
    let mut response = respond::event_stream(Body::reader(reader));
    let headers = response.headers_mut();
    headers.insert(STREAM_VERSION, HeaderValue::from_static("v2"));
    if settled {
        headers.insert(SESSION_SETTLED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

fn start(call: &Call<'_>) -> Result<Start> {
    let cursor = call.headers().get("last-event-id");
    let cursor = cursor.map_or(Some(""), |value| value.to_str().ok());
    let cursor = cursor.and_then(|text| parse_last_event_id(text).ok()).ok_or_else(|| {
        let message = "Last-Event-ID must be the decimal seq_num of the last record received";
        ApiError::new(ErrorCode::InvalidCursor, message).at("last-event-id")
    })?;
    let from = call.header("tidegate-from")?.map(parse_from).transpose().map_err(|_| {
        let message = "Tidegate-From must be the decimal seq_num of the first record wanted";
        ApiError::new(ErrorCode::InvalidCursor, message).at("tidegate-from")
    })?;
    match (cursor, from, call.header("x-trigger-stream-start")?) {
        (Some(seq), ..) => Ok(Start::after(seq)),
        (None, Some(seq), _) => Ok(Start::From(seq)),
        (None, None, Some("latest")) => Ok(Start::Tail),
        (None, None, _) => Ok(Start::Floor),
    }
}

/// How long the stream is held without a record (traps 4 and 21).
fn timeout(call: &Call<'_>) -> Result<Duration> {
    let Some(text) = call.header(TIMEOUT_SECONDS)? else {
        return Ok(Duration::from_secs(READ_TIMEOUT_DEFAULT_S));
    };
    let seconds = text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    match seconds {
        Some(seconds @ 1..=READ_TIMEOUT_MAX_S) => Ok(Duration::from_secs(seconds)),
        _ => {
            let max = READ_TIMEOUT_MAX_S;
            Err(refused(
                TIMEOUT_SECONDS,
                format!("Timeout-Seconds must be an integer from 1 to {max}"),
            ))
        }
    }
}
