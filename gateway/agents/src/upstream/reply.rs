//! An answer whose head was good.

use std::time::Duration;

use http::{HeaderMap, header};

use super::body::Body;

/// How long a connection is kept if the backend does not say.
pub(super) const KEEP_DEFAULT: Duration = Duration::from_secs(30);
/// How long at most.
const KEEP_MAX: Duration = Duration::from_secs(120);
/// A connection is given up this long before the backend closes it, so that no call meets that.
const KEEP_MARGIN: Duration = Duration::from_secs(1);

/// Head and body.
#[derive(Debug)]
pub(super) struct Reply {
    /// Media type, lower case, without parameters; empty if there is none.
    pub(super) media_type: String,
    pub(super) body: Body,
}

impl Reply {
    pub(super) fn new(headers: &HeaderMap, body: Body) -> Self {
        let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = value.and_then(|value| value.split(';').next()).unwrap_or_default();
        Self { media_type: essence.trim().to_ascii_lowercase(), body }
    }
}

/// How long the connection may be kept after this answer, from `keep-alive: timeout=SECONDS`.
pub(super) fn keep_time(headers: &HeaderMap) -> Duration {
    let value = headers.get("keep-alive").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parameters = value.split(',').filter_map(|parameter| parameter.trim().split_once('='));
    let seconds = parameters
        .find(|(name, _)| name.eq_ignore_ascii_case("timeout"))
        .and_then(|(_, seconds)| seconds.trim().parse().ok());
    let time = seconds.map_or(KEEP_DEFAULT, Duration::from_secs);
    time.saturating_sub(KEEP_MARGIN).min(KEEP_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_given_up_before_the_backend_does() {
        let time = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("keep-alive", value.parse().unwrap());
            keep_time(&headers).as_secs()
        };
        assert_eq!([time("timeout=5"), time("max=3, Timeout=10")], [4, 9]);
        assert_eq!([time("timeout=0"), time("timeout=99999"), time("x")], [0, 120, 29]);
    }
}
