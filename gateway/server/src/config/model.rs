//! The configuration, checked.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tidegate_core::seams::ToolSchema;
use tidegate_core::seams::store::Retention;
use tidegate_transport::proxies::Proxies;

use super::Secret;

/// The backend of agents that workers register.
pub const LINK: &str = "link";

/// Everything that the gateway is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[server]`
    pub server: ServerConfig,
    /// `store.url`
    pub store_url: String,
    /// `[[environment]]`, at least one.
    pub environments: Vec<EnvironmentConfig>,
    /// `[[agent]]`
    pub agents: Vec<AgentConfig>,
    /// `[retention]`
    pub retention: Retention,
    /// `[limits]`
    pub limits: Limits,
    /// `[log]`
    pub log: LogConfig,
    /// `[drain]`
    pub drain: Drain,
}

/// `[server]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// The main listener.
    pub listen: SocketAddr,
    /// The plain listener beside TLS.
    pub listen_plain: Option<SocketAddr>,
    /// What clients use; made from `listen` if absent.
    pub public_url: Option<String>,
    /// For S2 writes.
    pub s2_url: Option<String>,
    /// `server.trusted_proxies` and `server.proxy_protocol`
    pub proxies: Proxies,
    /// `[server.tls]`
    pub tls: Option<TlsFiles>,
    /// `server.http3`, beside TLS.
    pub http3: bool,
    /// `server.quic.secret`
    pub quic_secret: Option<Secret>,
}

/// `[server.tls]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM certificate chain.
    pub cert: PathBuf,
    /// PEM private key.
    pub key: PathBuf,
}

/// One `[[environment]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentConfig {
    /// Unique.
    pub name: String,
    /// At least one.
    pub secret_keys: Vec<Secret>,
}

/// One `[[agent]]`.
#[derive(Clone, PartialEq)]
pub struct AgentConfig {
    /// Unique.
    pub id: String,
    /// Name of the backend.
    pub backend: String,
    /// See `agent[].stop_on_disconnect`.
    pub stop_on_disconnect: bool,
    /// The backend's own keys; may hold secrets.
    pub table: serde_json::Value,
    /// `agent[].head_start`, of an agent that workers register.
    pub head_start: Option<HeadStartConfig>,
}

/// `agent[].head_start`
#[derive(Clone, Debug, PartialEq)]
pub struct HeadStartConfig {
    /// Makes the step.
    pub backend: BackendConfig,
    /// Is asked at the same time.
    pub hedge: Option<BackendConfig>,
    /// What the model may call, if not what the workers registered.
    pub tools: Option<Vec<ToolSchema>>,
    /// How long the agent may take to take over.
    pub wait: Duration,
    /// How long the step may take.
    pub step: Duration,
}

/// A turn backend of a head start.
#[derive(Clone, PartialEq)]
pub struct BackendConfig {
    /// Its name.
    pub backend: String,
    /// Its own keys; may hold secrets.
    pub table: serde_json::Value,
}

impl std::fmt::Debug for BackendConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BackendConfig").field("backend", &self.backend).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for AgentConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AgentConfig")
            .field("id", &self.id)
            .field("backend", &self.backend)
            .field("stop_on_disconnect", &self.stop_on_disconnect)
            .field("head_start", &self.head_start)
            .finish_non_exhaustive()
    }
}

/// `[limits]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at once.
    pub connections: usize,
    /// Streams read at once.
    pub streams: usize,
    /// `[limits.rate_limit]`
    pub rate_limit: Option<RateLimit>,
}

/// `[limits.rate_limit]`, for each credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Steady rate.
    pub requests_per_second: u32,
    /// What may come at once.
    pub burst: u32,
}

/// `[drain]`. Delay and spread fit into the timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// From the signal to the end.
    pub timeout: Duration,
    /// Serving on while `/ready` says no.
    pub delay: Duration,
    /// Sending readers away.
    pub spread: Duration,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// Form.
    pub format: LogFormat,
    /// A filter of `tracing`.
    pub level: String,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// The address that clients use, without a slash at its end.
    pub fn public_url(&self) -> String {
        if let Some(url) = &self.server.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let scheme = if self.server.tls.is_some() { "https" } else { "http" };
        let mut listen = self.server.listen;
        if listen.ip().is_unspecified() {
            listen.set_ip([127, 0, 0, 1].into());
        }
        format!("{scheme}://{listen}")
    }
}
