//! How failures of a call are named and which of them are tried again.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use tidegate_core::seams::backend::{BackendError, BackendFault};

/// Characters of an error body that are shown.
const SHOWN_CHARS: usize = 200;
/// A shorter word of a secret is not looked for: it would hide ordinary words.
const SECRET_MIN_BYTES: usize = 8;

/// A call that failed before the first byte of its answer.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: BackendError,
    pub(super) retry: Retry,
}

/// May the call be tried again?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    Never,
    /// Soon.
    Soon,
    /// After the time that the backend asked for.
    After(Duration),
}

impl Retry {
    /// What a status says about trying again.
    pub(super) fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        if !matches!(status.as_u16(), 429 | 502..=504) {
            return Self::Never;
        }
        let after = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        match after.and_then(|text| text.trim().parse().ok()) {
            Some(seconds) => Self::After(Duration::from_secs(seconds)),
            None => Self::Soon,
        }
    }
}

/// Puts a name to faults and keeps secrets out of them.
pub(super) struct Namer {
    name: String,
    secrets: Vec<String>,
}

impl Namer {
    /// `name` says which backend; words of `secrets` are never shown.
    pub(super) fn new(name: String, secrets: &[String]) -> Self {
        let words = secrets.iter().flat_map(|secret| secret.split_whitespace());
        let words = words.filter(|word| word.len() >= SECRET_MIN_BYTES);
        Self { name, secrets: words.map(str::to_owned).collect() }
    }

    /// `name: reason`.
    pub(super) fn error(&self, kind: BackendFault, reason: &str) -> BackendError {
        let mut message = format!("{}: {reason}", self.name);
        for secret in &self.secrets {
            if message.contains(secret.as_str()) {
                message = message.replace(secret.as_str(), "[hidden]");
            }
        }
        BackendError { kind, message }
    }

    /// The start of a body, for a message: on one line, secrets hidden before it is cut.
    pub(super) fn excerpt(&self, body: &[u8]) -> String {
        let mut text = String::from_utf8_lossy(body).into_owned();
        for secret in &self.secrets {
            text = text.replace(secret.as_str(), "[hidden]");
        }
        let words: Vec<_> = text.split_whitespace().collect();
        words.join(" ").chars().take(SHOWN_CHARS).collect()
    }
}

impl std::fmt::Debug for Namer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_also_where_the_text_is_cut() {
        let namer = Namer::new("n".to_owned(), &["Bearer sk-12345678".to_owned()]);
        let body = format!("{} sk-12345678 is wrong", "x".repeat(SHOWN_CHARS - 5));
        let excerpt = namer.excerpt(body.as_bytes());
        assert!(!excerpt.contains("sk-"), "{excerpt}");
        assert_eq!(excerpt.chars().count(), SHOWN_CHARS);
        let error = namer.error(BackendFault::Invalid, "key sk-12345678");
        assert_eq!(error.message, "n: key [hidden]");
    }

    #[test]
    fn only_passing_troubles_are_tried_again() {
        let mut headers = HeaderMap::new();
        for (status, retry) in [
            (400, Retry::Never),
            (401, Retry::Never),
            (429, Retry::Soon),
            (500, Retry::Never),
            (502, Retry::Soon),
            (503, Retry::Soon),
            (504, Retry::Soon),
            (505, Retry::Never),
        ] {
            assert_eq!(Retry::of(StatusCode::from_u16(status).unwrap(), &headers), retry);
        }
        headers.insert(header::RETRY_AFTER, "7".parse().unwrap());
        let after = Retry::of(StatusCode::TOO_MANY_REQUESTS, &headers);
        assert_eq!(after, Retry::After(Duration::from_secs(7)));
        headers.insert(header::RETRY_AFTER, "Wed, 21 Oct 2026 07:28:00 GMT".parse().unwrap());
        assert_eq!(Retry::of(StatusCode::SERVICE_UNAVAILABLE, &headers), Retry::Soon);
    }
}
