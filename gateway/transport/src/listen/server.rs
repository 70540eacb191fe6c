//! The listeners as a whole: start and drain.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::Endpoint;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use super::accept::Acceptor;
use super::bound::{Bound, bind};
use super::connection::Http;
use super::tls;
use crate::config::TransportConfig;
use crate::drain::{Drain, Phase};
use crate::quic;
use crate::service::Service;

/// How long the last datagrams may take to be sent, and repeated to who did not hear of the end.
const QUIC_GOODBYE: Duration = Duration::from_millis(500);

/// How long what is cut may take to end. Whatever a peer does, the drain ends in time (R-DRN-7).
const CUT: Duration = Duration::from_millis(500);

/// Running listeners.
#[derive(Debug)]
pub struct Server {
    addresses: Vec<SocketAddr>,
    drain: Arc<Drain>,
    connections: TaskTracker,
    acceptors: TaskTracker,
    endpoints: Vec<Endpoint>,
}

/// Why the listeners could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration names no listener.
    #[error("there is no address to listen on")]
    NoListener,
    /// The socket.
    #[error("can't listen on {address}: {error}")]
    Listen {
        /// As configured.
        address: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
    /// The UDP socket.
    #[error("can't listen for HTTP/3 on UDP {address}: {error}")]
    ListenQuic {
        /// As configured.
        address: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
    /// The certificate or key.
    #[error("TLS of {address}: {error}")]
    Tls {
        /// As configured.
        address: SocketAddr,
        /// What is wrong.
        error: tls::TlsError,
    },
}

impl Server {
    /// Binds every listener and begins to serve. Needs a Tokio runtime.
    pub fn start(config: &TransportConfig, service: &Service) -> Result<Self, StartError> {
        if config.listeners.is_empty() {
            return Err(StartError::NoListener);
        }
        let drain = Arc::clone(&service.app().drain);
        let (connections, acceptors) = (service.app().connections.clone(), TaskTracker::new());
        let slots = Arc::new(Semaphore::new(
            config.limits.max_connections.clamp(1, Semaphore::MAX_PERMITS),
        ));
        let http = Arc::new(Http::new(&config.limits));
        let bound = config.listeners.iter().map(|listen| bind(config, listen));
        let bound = bound.collect::<Result<Vec<_>, _>>()?;
        let (mut addresses, mut endpoints) = (Vec::with_capacity(bound.len()), Vec::new());
        for Bound { address, listener, tls, endpoint } in bound {
            info!(%address, tls = tls.is_some(), http3 = endpoint.is_some(), "listening");
            addresses.push(address);
            if let Some(endpoint) = endpoint {
                let acceptor = quic::accept::Acceptor {
                    endpoint: endpoint.clone(),
                    service: service.clone(),
                    slots: Arc::clone(&slots),
                    connections: connections.clone(),
                    drain: drain.watch(),
                };
                acceptors.spawn(acceptor.run());
                endpoints.push(endpoint);
            }
            let acceptor = Acceptor {
                listener,
                tls,
                service: service.clone(),
                http: Arc::clone(&http),
                slots: Arc::clone(&slots),
                connections: connections.clone(),
                drain: drain.watch(),
            };
            acceptors.spawn(acceptor.run());
        }
        Ok(Self { addresses, drain, connections, acceptors, endpoints })
    }

    /// Where the first listener listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// Where each listener listens, in the order of the configuration.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves on, while answers and `/ready` say that it is about to go (R-DRN-1).
    pub fn leave(&self) {
        self.drain.advance(Phase::Leaving);
    }

    /// Over how long a drain sends reads and links away (R-DRN-3); at once if it is not called.
    pub fn spread_over(&self, spread: Duration) {
        self.drain.spread_over(spread);
    }

    /// No turn runs here any more: reads that stayed for one may end (R-DRN-4).
    pub fn turns_ended(&self) {
        self.drain.advance(Phase::Ending);
    }

    /// Stops accepting, tells every client to go, ends live reads cleanly (their clients come back
    /// with their cursors), and waits for what runs. What is not done after `deadline` is cut;
    /// answers whether nothing had to be.
    pub async fn drain(&self, deadline: Duration) -> bool {
        self.drain.advance(Phase::Draining);
        self.acceptors.close();
        self.acceptors.wait().await;
        self.connections.close();
        let ended = tokio::time::timeout(deadline, self.connections.wait()).await.is_ok();
        if !ended {
            warn!(connections = self.connections.len(), "cutting connections that did not end");
            self.drain.advance(Phase::Stopped);
            if tokio::time::timeout(CUT, self.connections.wait()).await.is_err() {
                warn!(connections = self.connections.len(), "leaving connections that do not end");
            }
        }
        for endpoint in &self.endpoints {
            // So that peers hear of it.
            _ = tokio::time::timeout(QUIC_GOODBYE, endpoint.wait_idle()).await;
        }
        ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_never_ends_is_left() {
        let (connections, acceptors) = (TaskTracker::new(), TaskTracker::new());
        connections.spawn(std::future::pending::<()>());
        let (addresses, drain, endpoints) = Default::default();
        let server = Server { addresses, drain, connections, acceptors, endpoints };
        let drained = tokio::time::timeout(CUT * 10, server.drain(Duration::ZERO)).await;
        assert_eq!(drained, Ok(false));
    }
}
