//! The accept loop of one listener.

use std::future::poll_fn;
use std::io::{Error, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, debug, debug_span, warn};

use super::connection::{Http, Speaks, peek, serve};
use crate::drain::{Phase, Watch};
use crate::proxies::receive::{self, NoHeader};
use crate::service::Service;

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after an error that will repeat at once (no file descriptors, no memory).
const BACK_OFF: Duration = Duration::from_millis(100);

/// What an accept loop needs.
pub(super) struct Acceptor {
    pub(super) listener: TcpListener,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) service: Service,
    pub(super) http: Arc<Http>,
    pub(super) slots: Arc<Semaphore>,
    pub(super) connections: TaskTracker,
    pub(super) drain: Watch,
}

impl Acceptor {
    /// Accepts until the drain begins: one task for each connection.
    pub(super) async fn run(mut self) {
        while let Some(accepted) = self.accept().await {
            match accepted {
                Ok((stream, peer)) => {
                    // Accepted first: a slot that an idle listener holds would be lost to others.
                    let Some(slot) = self.free_slot().await else { break };
                    self.spawn(stream, peer, slot);
                }
                Err(error) => self.back_off(&error).await,
            }
        }
    }

    /// Room for one more connection; `None` once the drain begins.
    async fn free_slot(&mut self) -> Option<OwnedSemaphorePermit> {
        let slots = Arc::clone(&self.slots);
        until_drain(&mut self.drain, slots.acquire_owned()).await?.ok()
    }

    async fn accept(&mut self) -> Option<std::io::Result<(TcpStream, SocketAddr)>> {
        let accepted = until_drain(&mut self.drain, self.listener.accept()).await?;
        Some(accepted)
    }

    fn spawn(&self, mut stream: TcpStream, peer: SocketAddr, slot: OwnedSemaphorePermit) {
        let span = debug_span!("connection", %peer);
        let count = self.service.app().metrics.open_connection();
        let service = self.service.clone();
        let http = Arc::clone(&self.http);
        match self.tls.clone() {
            None => {
                let serving = async move {
                    let Some(client) = client_of(&service, &mut stream, peer).await else {
                        return;
                    };
                    let connection = service.connection(false, client);
                    if let Some(speaks) = peek(&stream, &connection, &http).await {
                        serve(stream, speaks, connection, &http).await;
                    }
                    drop((slot, count));
                };
                self.connections.spawn(serving.instrument(span));
            }
            Some(tls) => {
                let serving = async move {
                    let Some(client) = client_of(&service, &mut stream, peer).await else {
                        return;
                    };
                    let connection = service.connection(true, client);
                    // Boxed: the handshake's state is gone once it is done.
                    let shaken =
                        Box::pin(tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)));
                    match shaken.await {
                        Ok(Ok(stream)) => {
                            let speaks = match stream.get_ref().1.alpn_protocol() {
                                Some(b"http/1.1") => Speaks::Http1,
                                _ => Speaks::Either,
                            };
                            // Boxed: it is moved on, and each place holds room for it.
                            serve(Box::new(stream), speaks, connection, &http).await;
                        }
                        Ok(Err(error)) => debug!(%error, "TLS handshake failed"),
                        Err(_) => debug!("TLS handshake took too long"),
                    }
                    drop((slot, count));
                };
                self.connections.spawn(serving.instrument(span));
            }
        }
    }

    /// A connection that its peer gave up before it was accepted costs nothing; anything else
    /// would fail again at once, so the loop waits.
    async fn back_off(&self, error: &Error) {
        self.service.app().metrics.accept_errors.fetch_add(1, Relaxed);
        match error.kind() {
            ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted => {}
            _ => {
                warn!(%error, "can't accept connections; trying again");
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }
}

/// Who is behind the connection: whom a trusted proxy names, or else the peer. `None` if the
/// connection is to be closed.
async fn client_of(service: &Service, stream: &mut TcpStream, peer: SocketAddr) -> Option<IpAddr> {
    let app = service.app();
    if !app.proxies.proxy_protocol || !app.proxies.trusts(peer.ip()) {
        return Some(peer.ip());
    }
    let mut drain = app.drain.watch();
    // Boxed: its state is gone once it is done.
    match Box::pin(until_drain(&mut drain, receive::header(stream))).await? {
        Ok(client) => Some(client.unwrap_or(peer.ip())),
        Err(NoHeader::Cut(error)) => {
            // A health check that only connects.
            debug!(%error, "no PROXY header came");
            None
        }
        Err(error) => {
            warn!(%peer, %error, "closed a connection of a trusted proxy: no valid PROXY header");
            None
        }
    }
}

/// `future`, or `None` as soon as the drain begins.
pub(crate) async fn until_drain<F: Future>(drain: &mut Watch, future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    poll_fn(|cx| match drain.poll(cx) {
        Phase::Up | Phase::Leaving => future.as_mut().poll(cx).map(Some),
        Phase::Draining | Phase::Ending | Phase::Stopped => Poll::Ready(None),
    })
    .await
}
