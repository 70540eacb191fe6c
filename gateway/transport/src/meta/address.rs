//! The gateway's own address, as its client sees it.

use http::header::HOST;
use http::request::Parts;

use crate::proxies::forwarded::ForwardedHost;
use crate::service::app::App;

/// Below the gateway's address; S2 clients put `/streams/…` behind it.
const S2_PATH: &str = "/s2/v1";

/// The configured public URL, or scheme and authority of this request; no trailing slash.
pub(crate) fn base(app: &App, tls: bool, parts: &Parts) -> String {
    if let Some(url) = &app.public_url {
        return url.clone();
    }
    own(tls, parts)
}

/// Where S2 writes go (R-S2-4); no trailing slash.
pub(crate) fn s2_base(app: &App, tls: bool, parts: &Parts) -> String {
    let url = match (&app.s2_url, &app.public_url) {
        (Some(url), _) => url.clone(),
        (None, Some(url)) if authority_of(url) == authority(parts) => url.clone(),
        _ => own(tls, parts),
    };
    let has_path = url.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
    if has_path && app.s2_url.is_some() { url } else { format!("{url}{S2_PATH}") }
}

/// Scheme and authority of this request.
fn own(tls: bool, parts: &Parts) -> String {
    let scheme = if tls { "https" } else { "http" };
    format!("{scheme}://{}", authority(parts).unwrap_or("localhost"))
}

fn authority(parts: &Parts) -> Option<&str> {
    if let Some(ForwardedHost(host)) = parts.extensions.get() {
        return Some(host.as_str());
    }
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    authority.or_else(|| parts.headers.get(HOST).and_then(|value| value.to_str().ok()))
}

fn authority_of(url: &str) -> Option<&str> {
    url.split_once("://")?.1.split('/').next()
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
