//! The gateway's own address, as its client sees it.

use http::header::HOST;
use http::request::Parts;

use crate::service::app::App;

/// The configured public URL, or scheme and authority of this request; no trailing slash.
pub(crate) fn base(app: &App, tls: bool, parts: &Parts) -> String {
    if let Some(url) = &app.public_url {
        return url.clone();
    }
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    let host = || parts.headers.get(HOST).and_then(|value| value.to_str().ok());
    let scheme = if tls { "https" } else { "http" };
    format!("{scheme}://{}", authority.or_else(host).unwrap_or("localhost"))
}

/// `text` as one path segment.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments() {
        assert_eq!(encode("chat/1 ä"), "chat%2F1%20%C3%A4");
    }
}
