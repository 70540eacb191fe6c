//! Answers that bindings give.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use crate::body::Body;

/// Every answer.
pub type Response = http::Response<Body>;

pub(crate) const VERSION: HeaderName =
    HeaderName::from_static(tidegate_protocol::version::VERSION_HEADER);
pub(crate) const VERSION_1: HeaderValue = HeaderValue::from_static("1");
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// `value` as JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let bytes = serde_json::to_vec(value).expect("answers have string keys only");
    raw_json(status, bytes)
}

/// Text that is JSON already.
pub(crate) fn raw_json(status: StatusCode, text: impl Into<bytes::Bytes>) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// An answer that proxies must neither buffer nor change, with its first bytes sent at once
/// (trap 3).
pub(crate) fn event_stream(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.reserve(12);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    unbuffered(headers);
    response
}

/// Tells proxies to hand on each piece as it comes, and as it is.
pub(crate) fn unbuffered(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
}
