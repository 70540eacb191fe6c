//! The accept loop of one UDP socket.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use h3::server::Builder;
use quinn::{Endpoint, Incoming};
use tidegate_protocol::limits::{QUIC_HANDSHAKE_TIMEOUT_MS, QUIC_UNPROVEN_MAX};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, debug, debug_span};

use super::connection::serve;
use super::settings;
use crate::drain::Watch;
use crate::listen::accept::until_drain;
use crate::service::Service;

/// What the accept loop needs.
pub(crate) struct Acceptor {
    pub(crate) endpoint: Endpoint,
    pub(crate) service: Service,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) connections: TaskTracker,
    pub(crate) drain: Watch,
}

impl Acceptor {
    /// Accepts until the drain begins: one task for each connection.
    pub(crate) async fn run(mut self) {
        let builder = Arc::new(settings::http3());
        let shaking = Arc::new(AtomicUsize::new(0));
        while let Some(Some(incoming)) = until_drain(&mut self.drain, self.endpoint.accept()).await
        {
            self.admit(incoming, &builder, &shaking);
        }
        // What comes now is refused; connections go on.
        self.endpoint.set_server_config(None);
    }

    /// Takes a connection up, or asks for a proof of its address first while many are being set
    /// up, or refuses it, so that its client takes TCP (R-H3-5, R-H3-6).
    fn admit(&self, incoming: Incoming, builder: &Arc<Builder>, shaking: &Arc<AtomicUsize>) {
        let metrics = &self.service.app().metrics;
        let many = shaking.load(Relaxed) >= QUIC_UNPROVEN_MAX;
        if many && !incoming.remote_address_validated() && incoming.may_retry() {
            metrics.quic_retries.fetch_add(1, Relaxed);
            // It fails only for what may not be asked again.
            _ = incoming.retry();
            return;
        }
        match Arc::clone(&self.slots).try_acquire_owned() {
            Ok(slot) => self.spawn(incoming, slot, Arc::clone(builder), Shaking::new(shaking)),
            Err(_) => {
                metrics.quic_refused.fetch_add(1, Relaxed);
                incoming.refuse();
            }
        }
    }

    fn spawn(
        &self,
        incoming: Incoming,
        slot: OwnedSemaphorePermit,
        builder: Arc<Builder>,
        shaking: Shaking,
    ) {
        let span = debug_span!("connection", peer = %incoming.remote_address());
        let count = self.service.app().metrics.open_connection();
        self.service.app().metrics.quic_connections.fetch_add(1, Relaxed);
        let service = self.service.clone();
        let serving = async move {
            let limit = Duration::from_millis(QUIC_HANDSHAKE_TIMEOUT_MS);
            // Boxed: the handshake's state is gone once it is done.
            match Box::pin(timeout(limit, incoming.into_future())).await {
                Ok(Ok(quic)) => {
                    drop(shaking);
                    serve(quic, &service, &builder).await;
                }
                Ok(Err(error)) => debug!(%error, "QUIC handshake failed"),
                Err(_) => debug!("QUIC handshake took too long"),
            }
            drop((slot, count));
        };
        self.connections.spawn(serving.instrument(span));
    }
}

/// A connection whose handshake is not over.
struct Shaking(Arc<AtomicUsize>);

impl Shaking {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Shaking {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
