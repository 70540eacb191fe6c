//! From an error to an answer: the one place.
//!
//! The form is flat, `{"ok":false,"error":"…","code":"…","type":"…"}` and where they apply
//! `param`, `closedReason`: clients read the message from a string `error`, and the code from the
//! top level (trigger-client §0.6, §1.1, §1.2).

use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use tidegate_protocol::error::Blame;
use tidegate_protocol::{ApiError, ErrorCode};

use super::respond::{self, Response};

const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    ok: bool,
    error: &'a str,
    /// Where S2 clients look for the text (R-S2-9).
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    code: &'static str,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<&'a str>,
    /// With `session_closed`: present, and null if no reason was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_reason: Option<Option<&'a str>>,
}

/// The answer that tells of `error`. On a stream read (`is_stream`), the client comes back for ever
/// unless the status is one that it takes for permanent (trap 2).
pub(crate) fn response(error: &ApiError, is_stream: bool) -> Response {
    tell(error, respond::json(status(error.code, is_stream), &wire(error)))
}

/// The same for S2 clients.
pub(crate) fn s2_response(error: &ApiError) -> Response {
    tell(error, respond::raw_json(status(error.code, false), s2_json(error)))
}

/// What S2 clients read of `error`.
pub(crate) fn s2_json(error: &ApiError) -> Vec<u8> {
    let wire = Wire { message: Some(&error.message), ..wire(error) };
    serde_json::to_vec(&wire).expect("errors have string keys only")
}

fn wire(error: &ApiError) -> Wire<'_> {
    let closed = error.code == ErrorCode::SessionClosed;
    Wire {
        ok: false,
        error: &error.message,
        message: None,
        code: error.code.as_str(),
        r#type: kind(error.code),
        param: error.param.as_deref(),
        closed_reason: closed.then_some(error.closed_reason.as_deref()),
    }
}

fn tell(error: &ApiError, mut response: Response) -> Response {
    let retry = if error.code.retryable() { "true" } else { "false" };
    response.headers_mut().insert(SHOULD_RETRY, HeaderValue::from_static(retry));
    response
}

fn status(code: ErrorCode, is_stream: bool) -> StatusCode {
    let permanent = [400, 401, 403, 404, 409, 410, 422].contains(&code.status());
    if is_stream && !permanent && !code.retryable() {
        return StatusCode::BAD_REQUEST;
    }
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn kind(code: ErrorCode) -> &'static str {
    match (code, code.blame()) {
        (ErrorCode::Unauthenticated, _) => "authentication",
        (ErrorCode::Unauthorized | ErrorCode::ScopesExceedKey, _) => "authorization",
        (_, Blame::Client) => "invalid_request",
        (_, Blame::Conflict) => "conflict",
        (_, Blame::Overload) => "overload",
        (_, Blame::Unavailable) => "unavailable",
        (_, Blame::Internal) => "internal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permanent_faults_of_a_stream_read_have_a_status_that_ends_it() {
        for code in ErrorCode::ALL {
            let status = status(*code, true).as_u16();
            let ends = [400, 401, 403, 404, 409, 410, 422].contains(&status);
            assert!(ends || code.retryable(), "{code:?} {status}");
            assert_eq!(super::status(*code, false).as_u16(), code.status());
        }
    }
}
