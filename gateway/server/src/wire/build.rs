//! Puts the parts together.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tidegate_core::Gateway;
use tidegate_core::access::{Access, Environment};
use tidegate_core::agents::{Agent, Agents, Service as AgentService};
use tidegate_core::channels::Channels;
use tidegate_core::gateway::Parts;
use tidegate_core::head_start::HeadStart;
use tidegate_core::seams::clock::SystemClock;
use tidegate_core::seams::store::CommitListener;
use tidegate_core::seams::{AgentBackend, Entropy, StreamStore};
use tidegate_core::turns::TurnLimits;
use tidegate_protocol::ids::base36;
use tidegate_store::redis::connect::ConnectError;
use tidegate_store::{ListenableStore, OpenError, Opened};
use tidegate_transport::config::{Http3, Limits, ListenConfig, RateLimit, TlsPem};
use tidegate_transport::listen::StartError;
use tidegate_transport::service::Setup;
use tidegate_transport::{Server, Service, TransportConfig, TransportMetrics};
use tracing::{info, warn};

use super::entropy::SystemEntropy;
use super::extra::Extra;
use super::sweeps::Sweeps;
use crate::config::{BackendConfig, Config, Drain, HeadStartConfig, LINK, TlsFiles};
use crate::exit::Failure;

/// How long connections may take to end after the last turn that was waited for.
const GOODBYE: Duration = Duration::from_millis(500);

/// A gateway that serves.
#[derive(Debug)]
pub struct Running {
    gateway: Gateway,
    server: Server,
    ready: Arc<AtomicBool>,
    sweeps: Sweeps,
    drain: Drain,
}

/// Opens the store, builds the agents and begins to serve. Needs a Tokio runtime.
pub async fn start(config: &Config) -> Result<Running, Failure> {
    let (gateway, store) = gateway(config).await?;
    let recalled = gateway.recall_agents().await;
    recalled.map_err(|error| Failure::Io(format!("the store can't be read: {error}")))?;
    gateway.join_fleet();
    let ready = Arc::new(AtomicBool::new(true));
    let metrics = Arc::new(TransportMetrics::default());
    let extra = Extra {
        gateway: gateway.clone(),
        store,
        metrics: Arc::clone(&metrics),
        ready: Arc::clone(&ready),
    };
    let transport = transport(config)?;
    let setup = Setup {
        gateway: gateway.clone(),
        ready: Arc::clone(&ready),
        extra: Some(Arc::new(move |parts: &http::request::Parts| extra.answer(parts))),
        metrics,
    };
    let service = Service::new(setup, &transport);
    let server = match Server::start(&transport, &service) {
        Ok(server) => server,
        Err(error) => {
            // Nothing was served, but the store is open.
            let _ = gateway.store().close().await;
            return Err(refused(&error));
        }
    };
    let sweeps = Sweeps::start(gateway.clone(), config.retention.closed_ttl_ms);
    Ok(Running { gateway, server, ready, sweeps, drain: config.drain })
}

impl Running {
    /// Where the first listener listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// The engine.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// Drains (R-DRN): says that it goes, takes nothing new after a delay, sends readers away with
    /// their cursors, lets running turns finish within the timeout. What is not done stays owed.
    pub async fn stop(self) -> Result<(), Failure> {
        info!("stopping");
        self.ready.store(false, Ordering::Release);
        self.server.leave();
        tokio::time::sleep(self.drain.delay).await;
        self.sweeps.stop().await;
        self.server.spread_over(self.drain.spread);
        let left = self.drain.timeout.saturating_sub(self.drain.delay);
        let turns = async {
            let drained = tokio::time::timeout(left, self.gateway.turns().drain());
            if drained.await.is_err() {
                warn!("turns did not end in time; they go on after the next start");
                self.gateway.turns().abort();
            }
            // Their links carry the turns that ran until now.
            self.gateway.workers().say_goodbye();
            self.server.turns_ended();
        };
        tokio::join!(turns, self.server.drain(left + GOODBYE));
        self.gateway.runs().stop().await;
        let closed = self.gateway.store().close().await;
        closed.map_err(|error| Failure::Io(format!("the store did not close: {error}")))?;
        info!("stopped");
        Ok(())
    }
}

/// Of a gateway's name in its fleet.
const NODE_CHARS: usize = 16;

async fn gateway(config: &Config) -> Result<(Gateway, Arc<dyn ListenableStore>), Failure> {
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let agents = agents(config)?;
    let node = base36(entropy.next_u128(), NODE_CHARS);
    let (url, retention) = (&config.store_url, config.retention);
    let opened = tidegate_store::open_shared(url, Arc::new(SystemClock), retention, node).await;
    // Leases, tokens and sweeps go by the store's time: clocks of gateways may differ.
    let Opened { store: listenable, fleet, clock } = opened.map_err(|error| match error {
        OpenError::UnknownUrl(_) | OpenError::NotEmbedded { .. } => {
            Failure::Usage(format!("store.url: {error}"))
        }
        OpenError::Redis(ConnectError::Url(_)) => Failure::Usage(format!("store.url: {error}")),
        OpenError::InUse(_)
        | OpenError::Redis(_)
        | OpenError::Shared(_)
        | OpenError::OlderSchema { .. }
        | OpenError::NewerSchema { .. } => Failure::Unavailable(format!("store.url: {error}")),
        _ => Failure::Io(error.to_string()),
    })?;
    let channels = Arc::new(Channels::default());
    listenable.set_listener(Arc::clone(&channels) as Arc<dyn CommitListener>);
    let store: Arc<dyn StreamStore> = Arc::clone(&listenable) as _;
    let access = Access::new(environments(config), Arc::clone(&clock));
    let limits = TurnLimits::default();
    let parts = Parts { store, channels, access, agents, limits, clock, entropy, fleet };
    Ok((Gateway::new(parts), listenable))
}

fn environments(config: &Config) -> Vec<Environment> {
    let one = |environment: &crate::config::EnvironmentConfig| {
        let keys = environment.secret_keys.iter().map(|key| key.reveal().to_owned()).collect();
        Environment::new(&environment.name, keys)
    };
    config.environments.iter().map(one).collect()
}

fn agents(config: &Config) -> Result<Agents, Failure> {
    let mut agents = HashMap::new();
    for agent in &config.agents {
        let service = if agent.backend == LINK {
            AgentService::Awaited
        } else {
            AgentService::Turns(backend(&agent.id, &agent.backend, &agent.table)?)
        };
        let head_start = agent.head_start.as_ref().map(|config| head_start(&agent.id, config));
        let head_start = head_start.transpose()?.map(Arc::new);
        let stop_on_disconnect = agent.stop_on_disconnect;
        agents.insert(agent.id.clone(), Agent { service, stop_on_disconnect, head_start });
    }
    Ok(Agents::new(agents))
}

fn head_start(id: &str, config: &HeadStartConfig) -> Result<HeadStart, Failure> {
    let one = |of: &BackendConfig| backend(id, &of.backend, &of.table);
    Ok(HeadStart {
        backend: one(&config.backend)?,
        hedge: config.hedge.as_ref().map(one).transpose()?,
        tools: config.tools.as_deref().map(Into::into),
        wait_ms: millis(config.wait),
        step_ms: millis(config.step),
    })
}

fn backend(id: &str, name: &str, table: &Value) -> Result<Arc<dyn AgentBackend>, Failure> {
    let built = tidegate_agents::build(name, id, table.clone());
    built.map_err(|error| Failure::Usage(error.to_string()))
}

/// The configuration bounds it.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn transport(config: &Config) -> Result<TransportConfig, Failure> {
    let server = &config.server;
    let tls = server.tls.as_ref().map(pem).transpose()?;
    let mut listeners = vec![ListenConfig { address: server.listen, tls }];
    listeners.extend(server.listen_plain.map(|address| ListenConfig { address, tls: None }));
    let limits = Limits {
        max_connections: config.limits.connections,
        max_streams: config.limits.streams,
        ..Limits::default()
    };
    let rate_limit = config.limits.rate_limit.map_or_else(RateLimit::default, |limit| RateLimit {
        requests_per_second: limit.requests_per_second,
        burst: limit.burst,
    });
    let (public_url, s2_url) = (server.public_url.clone(), server.s2_url.clone());
    let proxies = server.proxies.clone();
    let secret = server.quic_secret.as_ref().map(|secret| secret.reveal().to_owned());
    let http3 = server.http3.then_some(Http3 { secret });
    Ok(TransportConfig { listeners, public_url, s2_url, proxies, limits, rate_limit, http3 })
}

fn pem(files: &TlsFiles) -> Result<TlsPem, Failure> {
    let read = |path: &std::path::Path| {
        std::fs::read(path)
            .map_err(|error| Failure::Io(format!("can't read {}: {error}", path.display())))
    };
    Ok(TlsPem { cert: read(&files.cert)?, key: read(&files.key)? })
}

fn refused(error: &StartError) -> Failure {
    match error {
        StartError::Listen { .. } | StartError::ListenQuic { .. } => {
            Failure::Unavailable(error.to_string())
        }
        StartError::NoListener | StartError::Tls { .. } => Failure::Usage(error.to_string()),
    }
}
