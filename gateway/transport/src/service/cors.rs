//! CORS (trigger-client §1.13, trap 28): any origin, on every answer, since credentials travel in
//! headers and never in cookies.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ALLOW,
    VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::respond::Response;
use crate::body::Body;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, PUT, PATCH, POST, DELETE");
/// The wildcard would do for requests without cookies; names are for readers that do not know it.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "*, X-Stream-Version, X-Session-Settled, X-Should-Retry, X-RateLimit-Limit, \
     X-RateLimit-Remaining, X-RateLimit-Reset, X-Last-Chunk-Index, Tidegate-Protocol-Version",
);

/// Lets any page read the answer.
pub(super) fn allow(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}

/// Answers a preflight, unauthenticated. Asked headers are reflected: applications add their own.
pub(super) fn preflight(asked: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ALLOW, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("300"));
    headers.insert(VARY, HeaderValue::from_static("access-control-request-headers"));
    if let Some(names) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    response
}
