//! `Alt-Svc`: tells clients over TLS that HTTP/3 is spoken, too.

use http::{HeaderValue, Uri};
use tidegate_protocol::limits::ALT_SVC_MAX_AGE_S;

use crate::config::TransportConfig;

/// The header's value. Only the public URL says at which port clients find the gateway; without
/// one, none is announced (R-H3-3).
pub(super) fn of(config: &TransportConfig) -> Option<HeaderValue> {
    config.http3.as_ref()?;
    config.listeners.iter().find(|listener| listener.tls.is_some())?;
    let url: Uri = config.public_url.as_ref()?.parse().ok()?;
    if url.scheme_str() != Some("https") {
        return None;
    }
    let port = url.port_u16().unwrap_or(443);
    HeaderValue::try_from(format!("h3=\":{port}\"; ma={ALT_SVC_MAX_AGE_S}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Http3, Limits, ListenConfig, RateLimit, TlsPem};
    use crate::proxies::Proxies;

    fn value(url: Option<&str>, tls: bool, http3: bool) -> Option<String> {
        let pem = TlsPem { cert: Vec::new(), key: Vec::new() };
        let address = ([127, 0, 0, 1], 0).into();
        let config = TransportConfig {
            listeners: vec![ListenConfig { address, tls: tls.then_some(pem) }],
            public_url: url.map(str::to_owned),
            s2_url: None,
            proxies: Proxies::default(),
            limits: Limits::default(),
            rate_limit: RateLimit::default(),
            http3: http3.then(Http3::default),
        };
        of(&config).map(|value| value.to_str().expect("text").to_owned())
    }

    #[test]
    fn it_is_announced_as_the_public_url_says() {
        let day = "h3=\":443\"; ma=86400";
        assert_eq!(value(Some("https://a.example"), true, true).as_deref(), Some(day));
        let other = value(Some("https://a.example:8443/"), true, true);
        assert_eq!(other.as_deref(), Some("h3=\":8443\"; ma=86400"));
        for (url, tls, http3) in [
            (None, true, true),
            (Some("http://a.example"), true, true),
            (Some("https://a.example"), false, true),
            (Some("https://a.example"), true, false),
        ] {
            assert_eq!(value(url, tls, http3), None, "{url:?} {tls} {http3}");
        }
    }
}
