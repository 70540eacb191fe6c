//! Reading request bodies, bounded in size and time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, EXPECT};
use http_body::Body;
use http_body_util::BodyExt;
use tidegate_core::error::Result;
use tidegate_protocol::{ApiError, ErrorCode};

use super::request_body::RequestBody;

/// What is read and thrown away of a body that is too large, so that its sender gets to the answer
/// instead of a reset connection, and can use the connection again.
const DRAIN_MAX_BYTES: usize = 8 * 1024 * 1024;

/// The whole body.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: &mut RequestBody,
    limit: usize,
    timeout: Duration,
) -> Result<Bytes> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    match tokio::time::timeout(timeout, bounded(headers, body, limit)).await {
        Ok(result) => result,
        Err(_) => Err(broken("the body did not arrive in time")),
    }
}

async fn bounded(headers: &HeaderMap, body: &mut RequestBody, limit: usize) -> Result<Bytes> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > limit) {
        // A sender that waits for `100 Continue` gets its answer instead, and sends nothing.
        if !headers.contains_key(EXPECT) {
            discard(body).await;
        }
        return Err(too_large(limit));
    }
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| broken("the body was cut off"))?.into_data() else {
            continue;
        };
        if first.len() + all.len() + data.len() > limit {
            discard(body).await;
            return Err(too_large(limit));
        }
        // Nearly every body is one frame, and stays uncopied.
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            if all.is_empty() {
                all.reserve(announced.unwrap_or(first.len() + data.len()));
                all.extend_from_slice(&std::mem::take(&mut first));
            }
            all.extend_from_slice(&data);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

async fn discard(body: &mut RequestBody) {
    let mut read = 0;
    while read < DRAIN_MAX_BYTES {
        match body.frame().await {
            Some(Ok(frame)) => read += frame.data_ref().map_or(0, Bytes::len),
            Some(Err(_)) | None => return,
        }
    }
}

fn too_large(limit: usize) -> ApiError {
    let message = format!("the body is larger than the {limit} bytes that may be sent here");
    ApiError::new(ErrorCode::BodyTooLarge, message)
}

fn broken(message: &'static str) -> ApiError {
    ApiError::new(ErrorCode::InvalidBody, message)
}
