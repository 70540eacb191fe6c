//! What a client's calls and subscriptions end with.

use std::borrow::Cow;

use serde_json::Value;
use tidegate_protocol::duplex::ErrorFrame;

/// The gateway could not be reached, or the connection was cut.
pub const UNREACHABLE: &str = "unreachable";
/// The token provider failed.
pub const TOKEN_UNAVAILABLE: &str = "token_unavailable";
/// More waits to be appended than the client holds.
pub const OUTBOX_FULL: &str = "outbox_full";
/// An append was repeated for so long that a further repeat might be written twice.
pub const OUTCOME_UNKNOWN: &str = "outcome_unknown";
/// What came is not what the protocol says.
pub const INVALID_ANSWER: &str = "invalid_answer";
/// The URL, the token or a certificate can't be used.
pub const INVALID_CONFIG: &str = "invalid_config";

/// A refusal by the gateway, or a failure on the way to it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
#[non_exhaustive]
pub struct Error {
    /// Of the registry (`spec/v1/errors.md`), or one of the constants of this module.
    pub code: Cow<'static, str>,
    /// For a person.
    pub message: Cow<'static, str>,
    /// What is at fault.
    pub param: Option<Cow<'static, str>>,
    /// May the same succeed later?
    pub retry: bool,
    /// HTTP status of the answer, if it came over HTTP.
    pub status: Option<u16>,
    /// With `session_closed`: why it was closed.
    pub closed_reason: Option<String>,
}

impl Error {
    pub(crate) fn new(
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
        retry: bool,
    ) -> Self {
        let (code, message) = (code.into(), message.into());
        Self { code, message, param: None, retry, status: None, closed_reason: None }
    }

    pub(crate) fn unreachable(why: impl Into<Cow<'static, str>>) -> Self {
        Self::new(UNREACHABLE, why, true)
    }

    pub(crate) fn invalid(why: impl ToString) -> Self {
        Self::new(INVALID_ANSWER, why.to_string(), false)
    }

    /// Is the credential not valid (any more)?
    pub(crate) fn wants_token(&self) -> bool {
        self.code == "unauthenticated"
    }

    /// From an answer over HTTP (R-ERR-1, R-ERR-2); a code that is not there is read off the
    /// status (R-ERR-7).
    pub(crate) fn from_answer(status: u16, should_retry: Option<&str>, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |key: &str| body[key].as_str().map(str::to_owned);
        let passing = matches!(status, 408 | 409 | 425 | 429 | 500..);
        Self {
            code: text("code").map_or_else(|| unnamed(status).into(), Cow::Owned),
            message: text("error").unwrap_or_else(|| format!("status {status}")).into(),
            param: text("param").map(Cow::Owned),
            retry: should_retry.map_or(passing, |retry| retry == "true"),
            status: Some(status),
            closed_reason: text("closedReason"),
        }
    }
}

/// What a status means where no code comes with it.
fn unnamed(status: u16) -> &'static str {
    match status {
        400 => "invalid_body",
        401 => "unauthenticated",
        403 => "unauthorized",
        404 => "not_found",
        413 => "body_too_large",
        429 => "rate_limited",
        503 => "overloaded",
        500.. => "internal",
        _ => "unprocessable",
    }
}

impl From<ErrorFrame> for Error {
    fn from(frame: ErrorFrame) -> Self {
        Self {
            code: frame.code,
            message: frame.message,
            param: frame.param,
            retry: frame.retry,
            status: None,
            closed_reason: frame.closed_reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_the_gateway_and_of_what_stands_before_it() {
        let body = br#"{"ok":false,"error":"No.","code":"session_closed","closedReason":"done"}"#;
        let error = Error::from_answer(409, Some("false"), body);
        assert_eq!((&*error.code, &*error.message, error.retry), ("session_closed", "No.", false));
        assert_eq!(error.closed_reason.as_deref(), Some("done"));
        let error = Error::from_answer(502, None, b"<html>");
        assert_eq!((&*error.code, error.retry), ("internal", true));
        assert_eq!(Error::from_answer(503, None, b"").code, "overloaded");
        assert!(Error::from_answer(401, None, b"").wants_token());
        assert!(!Error::from_answer(404, None, b"").retry);
    }
}
