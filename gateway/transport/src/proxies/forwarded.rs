//! What a trusted proxy says of a request: `X-Forwarded-For`, `-Proto`, `-Host`, or `Forwarded`
//! (RFC 7239). A proxy that writes one kind often hands on the other one as it came from the
//! client, so the kinds are never mixed, and `X-Forwarded-…` wins.

use std::net::{IpAddr, SocketAddr};

use http::header::FORWARDED;
use http::uri::Authority;
use http::{HeaderMap, HeaderName};

use super::trust::Proxies;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The host that the client asked for, where a trusted proxy says it: an extension of requests.
#[derive(Clone, Debug)]
pub(crate) struct ForwardedHost(pub(crate) Authority);

/// What is known of a request's client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Where it is.
    pub(crate) client: IpAddr,
    /// Does it use TLS? `None`: as the connection.
    pub(crate) tls: Option<bool>,
    /// Whom it asked; `None`: as the request says.
    pub(crate) host: Option<Authority>,
}

/// Reads the headers of a request that came from `peer`; what an untrusted one says is ignored.
pub(crate) fn origin(proxies: &Proxies, peer: IpAddr, headers: &HeaderMap) -> Origin {
    if !proxies.trusts(peer) {
        return Origin { client: peer, tls: None, host: None };
    }
    if [FOR, PROTO, HOST].iter().any(|name| headers.contains_key(name)) {
        let addresses = items(headers, FOR).filter_map(address);
        return Origin {
            client: client(proxies, peer, addresses),
            tls: items(headers, PROTO).next_back().and_then(is_tls),
            host: items(headers, HOST).next_back().and_then(|text| text.parse().ok()),
        };
    }
    let last = items(headers, FORWARDED).next_back().unwrap_or_default();
    let addresses = items(headers, FORWARDED).filter_map(|item| address(pair(item, "for")?));
    Origin {
        client: client(proxies, peer, addresses),
        tls: pair(last, "proto").and_then(is_tls),
        host: pair(last, "host").and_then(|text| text.parse().ok()),
    }
}

/// Each proxy adds whom it talked to at the end, so from there on back, the first that is no proxy
/// of ours is the client; what stands before it is its own invention.
fn client(
    proxies: &Proxies,
    peer: IpAddr,
    addresses: impl DoubleEndedIterator<Item = IpAddr>,
) -> IpAddr {
    let mut client = peer;
    for address in addresses.rev() {
        client = address;
        if !proxies.trusts(address) {
            break;
        }
    }
    client
}

fn items(headers: &HeaderMap, name: HeaderName) -> impl DoubleEndedIterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|item| !item.is_empty())
}

/// The value of `name` in `for=192.0.2.1;proto=https`.
fn pair<'a>(item: &'a str, name: &str) -> Option<&'a str> {
    let pairs = item.split(';').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
    values.next().map(|(_, value)| value.trim().trim_matches('"'))
}

/// An address, with or without port and brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

fn is_tls(scheme: &str) -> Option<bool> {
    match scheme {
        _ if scheme.eq_ignore_ascii_case("https") => Some(true),
        _ if scheme.eq_ignore_ascii_case("http") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(peer: &str, pairs: &[(&'static str, &'static str)]) -> (String, Option<bool>, String) {
        let trusted = ["10.0.0.0/8", "::1"].map(|text| text.parse().expect("a network"));
        let proxies = Proxies { trusted: trusted.to_vec(), proxy_protocol: false };
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().expect("a value"));
        }
        let origin = origin(&proxies, peer.parse().expect("an address"), &headers);
        let host = origin.host.map(|host| host.to_string()).unwrap_or_default();
        (origin.client.to_string(), origin.tls, host)
    }

    #[test]
    fn a_trusted_proxy_is_believed() {
        let all = [
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "chat.example.com:8443"),
        ];
        let https = Some(true);
        let expected = ("192.0.2.1".to_owned(), https, "chat.example.com:8443".to_owned());
        assert_eq!(told("10.0.0.1", &all), expected);
        let standard = [(
            "forwarded",
            "for=\"[2001:db8::7]:4711\";proto=http;host=old, \
             For=192.0.2.1;Proto=https;Host=\"chat.example.com:8443\"",
        )];
        assert_eq!(told("::1", &standard), expected);
    }

    #[test]
    fn nobody_else_is() {
        let all = [
            ("x-forwarded-for", "10.0.0.9"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil.example.com"),
            ("forwarded", "for=10.0.0.9;proto=https;host=evil.example.com"),
        ];
        assert_eq!(told("192.0.2.1", &all), ("192.0.2.1".to_owned(), None, String::new()));
    }

    #[test]
    fn what_the_client_put_before_is_not_believed() {
        let chain = [
            ("x-forwarded-for", "1.2.3.4, 192.0.2.1"),
            ("x-forwarded-for", "10.0.0.2"),
            ("forwarded", "for=5.6.7.8;proto=https;host=evil.example.com"),
        ];
        assert_eq!(told("10.0.0.1", &chain), ("192.0.2.1".to_owned(), None, String::new()));
    }

    #[test]
    fn what_can_not_be_read_counts_for_nothing() {
        let bad = [
            ("x-forwarded-for", "unknown, _hidden"),
            ("x-forwarded-proto", "gopher"),
            ("x-forwarded-host", "a b"),
        ];
        assert_eq!(told("10.0.0.1", &bad), ("10.0.0.1".to_owned(), None, String::new()));
        assert_eq!(told("10.0.0.1", &[]), ("10.0.0.1".to_owned(), None, String::new()));
        assert_eq!(told("10.0.0.1", &[("forwarded", ";=,\"")]).0, "10.0.0.1");
    }
}
