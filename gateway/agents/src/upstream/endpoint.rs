//! Where a backend is.

use http::Uri;
use http::uri::PathAndQuery;

/// A parsed `http` or `https` URL.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    pub(super) tls: bool,
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
    /// The `host` header.
    pub(super) authority: String,
    pub(super) path: PathAndQuery,
}

impl Endpoint {
    /// Parses `url` and appends `suffix` to its path. The error says what is wrong.
    pub(crate) fn parse(url: &str, suffix: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|error| format!("is not a URL: {error}"))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err("must start with http:// or https://".to_owned()),
        };
        let authority = uri.authority().ok_or("has no host")?;
        if authority.as_str().contains('@') {
            return Err("must not hold credentials: use `headers`".to_owned());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err("has no host".to_owned());
        }
        let port = &authority.as_str()[authority.host().len()..];
        if authority.port().is_none() && !matches!(port, "" | ":") {
            return Err(format!("has an impossible port \"{}\"", port.trim_start_matches(':')));
        }
        let path = join(&uri, suffix).map_err(|error| format!("is not a URL: {error}"))?;
        Ok(Self {
            tls,
            host,
            port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            authority: authority.as_str().to_owned(),
            path,
        })
    }

    /// The URL as it may be shown: without its query.
    pub(crate) fn shown(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority, self.path.path())
    }

    /// Where a redirect leads, if it stays at this origin.
    pub(super) fn redirected(&self, location: &str) -> Option<Self> {
        if location.starts_with('/') && !location.starts_with("//") {
            let path = location.split('#').next().unwrap_or_default().parse().ok()?;
            return Some(Self { path, ..self.clone() });
        }
        let other = Self::parse(location, "").ok()?;
        let same = other.tls == self.tls
            && other.host.eq_ignore_ascii_case(&self.host)
            && other.port == self.port;
        same.then_some(other)
    }
}

fn join(uri: &Uri, suffix: &str) -> Result<PathAndQuery, http::uri::InvalidUri> {
    let path = uri.path();
    if suffix.is_empty() {
        return uri.path_and_query().map_or("/", PathAndQuery::as_str).parse();
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}{suffix}{query}", path.trim_end_matches('/')).parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suffix_goes_before_the_query() {
        let endpoint = Endpoint::parse("https://h/v1/?api-version=1", "/chat/completions").unwrap();
        assert_eq!(endpoint.path.as_str(), "/v1/chat/completions?api-version=1");
        assert_eq!(endpoint.shown(), "https://h/v1/chat/completions");
        assert_eq!((endpoint.tls, endpoint.port), (true, 443));
        let endpoint = Endpoint::parse("http://[::1]:8000", "/x").unwrap();
        assert_eq!((endpoint.host.as_str(), endpoint.port), ("::1", 8000));
        assert_eq!(endpoint.path.as_str(), "/x");
    }

    #[test]
    fn what_is_no_backend_is_refused() {
        for url in ["", "h/x", "ftp://h", "http://", "http://u:secret@h/x", "http://h:99999"] {
            let error = Endpoint::parse(url, "").unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_redirect_stays_at_its_origin() {
        let from = Endpoint::parse("http://h:81/a", "").unwrap();
        let path = |location| from.redirected(location).map(|to| to.path.as_str().to_owned());
        assert_eq!(path("/b?c#d").as_deref(), Some("/b?c"));
        assert_eq!(path("http://H:81/b").as_deref(), Some("/b"));
        for location in ["https://h:81/b", "http://h/b", "//h:81/b", "http://x:81/", "b"] {
            assert_eq!(path(location), None, "{location}");
        }
    }
}
