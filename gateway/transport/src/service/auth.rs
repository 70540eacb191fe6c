//! Where a request carries its credential.

use std::borrow::Cow;

use http::Method;
use http::header::AUTHORIZATION;
use http::request::Parts;
use tidegate_core::error::Result;
use tidegate_protocol::{ApiError, ErrorCode};

use super::query::Query;
use super::route::Route;

const NONE: &str = "the request has no credential; send Authorization: Bearer with a key or token";

/// The bearer credential: from `Authorization`, or for stream reads that can't set headers from
/// `?access_token=`.
pub(super) fn credential<'a>(parts: &'a Parts, route: &Route) -> Result<Cow<'a, str>> {
    if parts.headers.contains_key(AUTHORIZATION) {
        return bearer_of(parts).map(Cow::Borrowed);
    }
    if parts.method == Method::GET && route.takes_query_token() {
        let token = Query::parse(parts.uri.query())?.take("access_token");
        if let Some(token) = token {
            return Ok(Cow::Owned(token));
        }
    }
    Err(missing(NONE))
}

/// The bearer credential of the `Authorization` header.
pub(crate) fn bearer_of(parts: &Parts) -> Result<&str> {
    let header = parts.headers.get(AUTHORIZATION).ok_or_else(|| missing(NONE))?;
    let text = header.to_str().ok();
    text.and_then(bearer).ok_or_else(|| missing("Authorization must be Bearer"))
}

/// The credential of a header's text.
pub(crate) fn bearer(header: &str) -> Option<&str> {
    let (scheme, credential) = header.split_once(' ')?;
    let credential = credential.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !credential.is_empty()).then_some(credential)
}

fn missing(message: &'static str) -> ApiError {
    ApiError::new(ErrorCode::Unauthenticated, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes() {
        assert_eq!(bearer("Bearer k"), Some("k"));
        assert_eq!(bearer("bearer  k "), Some("k"));
        for bad in ["k", "Basic k", "Bearer", "Bearer "] {
            assert_eq!(bearer(bad), None, "{bad}");
        }
    }
}
