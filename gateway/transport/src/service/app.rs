//! What every request shares.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use http::HeaderValue;
use http::request::Parts;
use tidegate_core::Gateway;
use tidegate_core::error::Result;
use tidegate_protocol::{ApiError, ErrorCode};
use tokio_util::task::TaskTracker;

use super::alt_svc;
use super::rate::RateLimiter;
use super::respond::Response;
use crate::config::{Limits, TransportConfig};
use crate::drain::{Drain, Phase};
use crate::metrics::{StreamPermit, TransportMetrics};
use crate::proxies::Proxies;
use crate::self_test::Trials;

/// Answers paths that no binding has (console, metrics); `None` is 404. Called without
/// authentication, so it looks at credentials itself where it needs them.
pub type Extra = Arc<dyn Fn(&Parts) -> Option<Response> + Send + Sync>;

/// What a service is made of.
pub struct Setup {
    /// The engine.
    pub gateway: Gateway,
    /// What `/ready` says, besides that a draining gateway is not ready.
    pub ready: Arc<AtomicBool>,
    /// Other paths.
    pub extra: Option<Extra>,
    /// Counters, rendered by whoever makes them.
    pub metrics: Arc<TransportMetrics>,
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("ready", &self.ready).finish_non_exhaustive()
    }
}

/// The shared state of a service.
pub(crate) struct App {
    pub(crate) gateway: Gateway,
    pub(crate) ready: Arc<AtomicBool>,
    pub(crate) extra: Option<Extra>,
    pub(crate) metrics: Arc<TransportMetrics>,
    pub(crate) drain: Arc<Drain>,
    /// Connections, and sockets that are part of one; a drain waits for them.
    pub(crate) connections: TaskTracker,
    pub(crate) rates: RateLimiter,
    pub(crate) limits: Limits,
    pub(crate) proxies: Proxies,
    pub(crate) trials: Arc<Trials>,
    pub(crate) public_url: Option<String>,
    pub(crate) s2_url: Option<String>,
    /// Where HTTP/3 is spoken, for answers over TLS (R-H3-3).
    pub(crate) alt_svc: Option<HeaderValue>,
}

impl App {
    pub(super) fn new(setup: Setup, config: &TransportConfig) -> Self {
        Self {
            gateway: setup.gateway,
            ready: setup.ready,
            extra: setup.extra,
            metrics: setup.metrics,
            drain: Arc::default(),
            connections: TaskTracker::new(),
            rates: RateLimiter::new(config.rate_limit),
            limits: config.limits,
            proxies: config.proxies.clone(),
            trials: Arc::default(),
            public_url: trimmed(config.public_url.as_deref()),
            s2_url: trimmed(config.s2_url.as_deref()),
            alt_svc: alt_svc::of(config),
        }
    }

    /// It is about to go, and says so.
    pub(crate) fn is_leaving(&self) -> bool {
        self.drain.phase() >= Phase::Leaving
    }

    /// It takes nothing new.
    fn is_draining(&self) -> bool {
        self.drain.phase() >= Phase::Draining
    }

    /// The right to hold a stream open.
    pub(crate) fn stream_permit(&self) -> Result<StreamPermit> {
        if self.is_draining() {
            let message = "the gateway is going down; come back in a moment";
            return Err(ApiError::new(ErrorCode::Draining, message));
        }
        self.metrics.open_stream(self.limits.max_streams).ok_or_else(|| {
            let message = "the gateway holds as many streams as it may; try again later";
            ApiError::new(ErrorCode::Overloaded, message)
        })
    }
}

fn trimmed(url: Option<&str>) -> Option<String> {
    url.map(|url| url.trim_end_matches('/').to_owned())
}
