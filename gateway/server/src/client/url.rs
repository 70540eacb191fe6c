//! The address of a gateway.

use super::ClientError;

/// Scheme, host, port and path prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// Without a slash at its end.
    pub(super) prefix: String,
}

impl Base {
    pub(super) fn parse(text: &str) -> Result<Self, ClientError> {
        let wrong = || ClientError::BadUrl(text.to_owned());
        let uri: http::Uri = text.trim().parse().map_err(|_| wrong())?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong()),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(wrong)?.to_owned();
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Self { tls, host, port, prefix })
    }

    /// For the `Host` header.
    pub(super) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// For the resolver: an IPv6 address without its brackets.
    pub(super) fn bare_host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let base = Base::parse("https://gw.example/path/").unwrap();
        let expected = Base {
            tls: true,
            host: "gw.example".to_owned(),
            port: 443,
            prefix: "/path".to_owned(),
        };
        assert_eq!(base, expected);
        assert_eq!(Base::parse("http://[::1]:8787").unwrap().bare_host(), "::1");
        for wrong in ["", "localhost:1", "ftp://x", "http://", "/x"] {
            assert!(Base::parse(wrong).is_err(), "{wrong}");
        }
    }
}
