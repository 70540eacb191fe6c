//! Calls to one backend, with retries until its first byte.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use rustls::ClientConfig;
use tidegate_core::seams::backend::{BackendError, BackendFault};
use tokio::time::{Instant, sleep, timeout_at};

use super::body::Body;
use super::connect::connect;
use super::connection::Connection;
use super::endpoint::Endpoint;
use super::failure::{Failure, Retry};
use super::pool::Pool;
use super::reply::{KEEP_DEFAULT, Reply, keep_time};
use super::tls;
use crate::config::Timeouts;
use crate::namer::Namer;

/// Calls after the first, each only if nothing of an answer was seen.
const RETRIES_MAX: usize = 2;
/// Pauses before them unless the backend says otherwise.
const PAUSES: [Duration; RETRIES_MAX] = [Duration::from_millis(250), Duration::from_millis(1_000)];
/// Redirects that are followed in one call.
const REDIRECTS_MAX: usize = 3;

/// The client of one backend.
#[derive(Debug)]
pub(crate) struct Client {
    endpoint: Endpoint,
    headers: HeaderMap,
    tls: Option<Arc<ClientConfig>>,
    pub(super) timeouts: Timeouts,
    pub(super) pool: Pool,
    /// A connection is being opened ahead of the call that will need it.
    warming: AtomicBool,
    pub(super) namer: Namer,
}

/// When a call must have come how far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    pub(super) first_byte: Instant,
    pub(super) total: Instant,
}

impl Client {
    /// `name` says which backend in every error; `secrets` are kept out of them. The error says
    /// why there can be no client.
    pub(crate) fn new(
        name: &str,
        endpoint: Endpoint,
        headers: HeaderMap,
        secrets: &[String],
        timeouts: Timeouts,
    ) -> Result<Arc<Self>, String> {
        let tls = if endpoint.tls { Some(tls::system()?) } else { None };
        let namer = Namer::new(format!("{name} at {}", endpoint.shown()), secrets);
        let (pool, warming) = (Pool::default(), AtomicBool::new(false));
        Ok(Arc::new(Self { endpoint, headers, tls, timeouts, pool, warming, namer }))
    }

    /// Posts `body` and gives the answer once its head says that it is one.
    pub(super) async fn post(self: &Arc<Self>, body: Bytes) -> Result<Reply, BackendError> {
        let now = Instant::now();
        let deadlines = Deadlines {
            first_byte: now + self.timeouts.first_byte().min(self.timeouts.total()),
            total: now + self.timeouts.total(),
        };
        for pause in PAUSES {
            let failure = match self.attempt(&body, deadlines).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            let pause = match failure.retry {
                Retry::Never => return Err(failure.error),
                Retry::Soon => pause,
                Retry::After(time) => time,
            };
            if pause >= deadlines.first_byte.saturating_duration_since(Instant::now()) {
                return Err(failure.error);
            }
            tracing::debug!(error = %failure.error, ?pause, "backend call is tried again");
            sleep(pause).await;
        }
        self.attempt(&body, deadlines).await.map_err(|failure| failure.error)
    }

    /// Opens a connection for a call that is to come, unless one is open or being opened. Whether
    /// that works shows with the call.
    pub(crate) fn warm_up(self: &Arc<Self>) {
        if self.pool.has_open() || self.warming.swap(true, Ordering::Relaxed) {
            return;
        }
        let client = Arc::clone(self);
        tokio::spawn(async move {
            let until = Instant::now() + client.timeouts.connect();
            if let Ok(connection) = client.connect(until).await {
                client.pool.put(connection, KEEP_DEFAULT);
            }
            client.warming.store(false, Ordering::Relaxed);
        });
    }

    /// A fault of this backend.
    pub(super) fn error(&self, kind: BackendFault, reason: &str) -> BackendError {
        self.namer.error(kind, reason)
    }

    async fn attempt(self: &Arc<Self>, body: &Bytes, limits: Deadlines) -> Result<Reply, Failure> {
        let mut endpoint = self.endpoint.clone();
        for _ in 0..=REDIRECTS_MAX {
            let (connection, response) = self.exchange(&endpoint, body, limits).await?;
            let status = response.status();
            if matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT) {
                endpoint = self.redirected(&endpoint, &response)?;
                continue;
            }
            let (head, incoming) = response.into_parts();
            let keep = keep_time(&head.headers);
            let body = Body::new(self.clone(), connection, incoming, limits, keep);
            if status.is_success() {
                return Ok(Reply::new(&head.headers, body));
            }
            let text = self.namer.excerpt(&body.start_of_error().await);
            let colon = if text.is_empty() { "" } else { ": " };
            return Err(Failure {
                error: self.error(BackendFault::Invalid, &format!("status {status}{colon}{text}")),
                retry: Retry::of(status, &head.headers),
            });
        }
        Err(self.refused("redirects too often"))
    }

    /// One request on a kept connection or a new one.
    async fn exchange(
        &self,
        endpoint: &Endpoint,
        body: &Bytes,
        limits: Deadlines,
    ) -> Result<(Connection, Response<Incoming>), Failure> {
        if let Some(mut connection) = self.pool.take() {
            let answer = connection.send(self.request(endpoint, body));
            match self.in_time(limits.first_byte, answer).await? {
                Ok(response) => return Ok((connection, response)),
                Err(error) if error.is_parse() => return Err(self.broken(&error)),
                // The backend closed it in this moment; a new connection decides.
                Err(_) => {}
            }
        }
        let mut connection = self.connect(limits.first_byte).await?;
        let answer = connection.send(self.request(endpoint, body));
        match self.in_time(limits.first_byte, answer).await? {
            Ok(response) => Ok((connection, response)),
            Err(error) => Err(self.broken(&error)),
        }
    }

    async fn connect(&self, until: Instant) -> Result<Connection, Failure> {
        let until = until.min(Instant::now() + self.timeouts.connect());
        let opened = timeout_at(until, async {
            let io = connect(&self.endpoint, self.tls.as_ref()).await?;
            Connection::open(io).await.map_err(io::Error::other)
        });
        let (kind, reason, retry) = match opened.await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => {
                // A certificate or a name does not get better by waiting.
                let lasting =
                    matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::InvalidInput);
                let retry = if lasting { Retry::Never } else { Retry::Soon };
                (BackendFault::Unavailable, format!("can't connect: {error}"), retry)
            }
            Err(_) => {
                let limit = self.timeouts.connect_ms;
                (BackendFault::Timeout, format!("no connection within {limit} ms"), Retry::Soon)
            }
        };
        Err(Failure { error: self.error(kind, &reason), retry })
    }

    async fn in_time<T>(
        &self,
        until: Instant,
        work: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        timeout_at(until, work)
            .await
            .map_err(|_| Failure { error: self.no_first_byte(), retry: Retry::Never })
    }

    /// Nothing came in time.
    pub(super) fn no_first_byte(&self) -> BackendError {
        let limit = self.timeouts.first_byte_ms.min(self.timeouts.total_ms);
        self.error(BackendFault::Timeout, &format!("no answer within {limit} ms"))
    }

    fn request(&self, endpoint: &Endpoint, body: &Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = endpoint.path.clone().into();
        *request.headers_mut() = self.headers.clone();
        if !self.headers.contains_key(header::HOST) {
            // An authority was parsed from a URI, so it is a valid header value.
            if let Ok(host) = endpoint.authority.parse() {
                request.headers_mut().insert(header::HOST, host);
            }
        }
        request
    }

    fn redirected(
        &self,
        from: &Endpoint,
        answer: &Response<Incoming>,
    ) -> Result<Endpoint, Failure> {
        let location = answer.headers().get(header::LOCATION);
        location
            .and_then(|location| from.redirected(location.to_str().ok()?))
            .ok_or_else(|| self.refused("redirects away from its origin"))
    }

    fn refused(&self, reason: &str) -> Failure {
        Failure { error: self.error(BackendFault::Invalid, reason), retry: Retry::Never }
    }

    fn broken(&self, error: &hyper::Error) -> Failure {
        let (kind, reason) = if error.is_parse() {
            (BackendFault::Invalid, format!("does not speak HTTP/1.1: {error}"))
        } else {
            (BackendFault::Unavailable, format!("closed the connection: {error}"))
        };
        Failure { error: self.error(kind, &reason), retry: Retry::Never }
    }
}
