//! What the server crate decides about listeners and requests. Plain data.

use std::net::SocketAddr;
use std::time::Duration;

use crate::proxies::Proxies;

/// Everything that the transport needs to know.
#[derive(Clone, Debug)]
pub struct TransportConfig {
    /// Where to listen. At least one.
    pub listeners: Vec<ListenConfig>,
    /// The base URL that clients use, without a trailing slash; absent means each request's own
    /// scheme and `Host`.
    pub public_url: Option<String>,
    /// Where S2 writes go, with the path (R-S2-4); absent means where each request came to.
    pub s2_url: Option<String>,
    /// What stands before the gateway.
    pub proxies: Proxies,
    /// Bounds (I6).
    pub limits: Limits,
    /// Rate limit of `/api/…` and appends.
    pub rate_limit: RateLimit,
    /// HTTP/3 beside every listener with TLS; absent means none.
    pub http3: Option<Http3>,
}

/// How HTTP/3 is served.
#[derive(Clone, Default)]
pub struct Http3 {
    /// What the keys of address tokens and resets are made from; the same on all gateways behind
    /// one UDP balancer. Absent: chosen at the start.
    pub secret: Option<String>,
}

impl std::fmt::Debug for Http3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http3").finish_non_exhaustive()
    }
}

/// One listening socket. HTTP/1.1, HTTP/2 and h2c by prior knowledge share it.
#[derive(Clone, Debug)]
pub struct ListenConfig {
    /// Port 0 takes a free one.
    pub address: SocketAddr,
    /// TLS only, ALPN `h2` and `http/1.1` (and HTTP/3 on the UDP port of the same number); absent
    /// means plain text.
    pub tls: Option<TlsPem>,
}

/// A certificate chain and its private key, as PEM files hold them.
#[derive(Clone)]
pub struct TlsPem {
    /// Leaf first.
    pub cert: Vec<u8>,
    /// PKCS#8, PKCS#1 or SEC1.
    pub key: Vec<u8>,
}

impl std::fmt::Debug for TlsPem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsPem").finish_non_exhaustive()
    }
}

/// Bounds of connections and streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections over all listeners; at the bound, each listener lets new ones wait.
    pub max_connections: usize,
    /// Open reads (SSE and AI SDK answers); at the bound, a new one gets 503.
    pub max_streams: usize,
    /// A connection without a request for this long is closed, at most twice this long later. It
    /// also bounds how long a request's headers may take.
    pub idle_timeout: Duration,
    /// How long a request's body may take.
    pub body_timeout: Duration,
    /// A peer that acknowledges nothing for this long, while data waits for it, is gone.
    pub write_stall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 100_000,
            max_streams: 100_000,
            idle_timeout: Duration::from_secs(75),
            body_timeout: Duration::from_secs(60),
            write_stall: Duration::from_secs(30),
        }
    }
}

/// A token bucket per credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimit {
    /// Refill; 0 turns the limit off.
    pub requests_per_second: u32,
    /// Size of the bucket; at least 1 is taken.
    pub burst: u32,
}
