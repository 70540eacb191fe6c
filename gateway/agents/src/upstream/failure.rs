//! Which failures of a call are tried again.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use tidegate_core::seams::backend::BackendError;

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

#[cfg(test)]
mod tests {
    use super::*;

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
