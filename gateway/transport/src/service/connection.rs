//! The service of one connection: knows whether it is TLS, and whether anything runs on it.

use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use http::header::{ALT_SVC, CONNECTION, UPGRADE};
use http::{HeaderValue, Method, Request, Version};
use hyper::body::Incoming;
use parking_lot::Mutex;
use tracing::{Instrument, debug_span};

use super::app::App;
use super::pipeline;
use super::request_body::RequestBody;
use super::respond::Response;
use super::tower::Answering;
use crate::drain::Watch;
use crate::proxies::forwarded::{self, ForwardedHost};

/// One connection's service.
#[derive(Clone)]
pub(crate) struct Connection {
    app: Arc<App>,
    tls: bool,
    peer: IpAddr,
    activity: Activity,
}

impl Connection {
    pub(super) fn new(app: Arc<App>, tls: bool, peer: IpAddr) -> Self {
        Self { app, tls, peer, activity: Activity::default() }
    }

    pub(crate) fn drain(&self) -> Watch {
        self.app.drain.watch()
    }

    pub(crate) fn activity(&self) -> Activity {
        self.activity.clone()
    }
}

impl hyper::service::Service<Request<Incoming>> for Connection {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        self.answer(request.map(RequestBody::from))
    }
}

impl Connection {
    /// The answer to `request`, whatever it came over.
    pub(crate) fn answer(&self, mut request: Request<RequestBody>) -> Answering {
        let guard = self.activity.begin();
        if request.headers().contains_key(UPGRADE) || request.method() == Method::CONNECT {
            request.extensions_mut().insert(self.activity());
        }
        let app = Arc::clone(&self.app);
        let origin = forwarded::origin(&app.proxies, self.peer, request.headers());
        let tls = origin.tls.unwrap_or(self.tls);
        let is_h1 = request.version() <= Version::HTTP_11;
        let is_tcp_tls = self.tls && request.version() != Version::HTTP_3;
        app.metrics.requests.fetch_add(1, Relaxed);
        // Debug, since an append may hold a single token (design §6). Queries may hold credentials.
        let span = debug_span!(
            "request",
            method = %request.method(),
            path = request.uri().path(),
            client = %origin.client,
        );
        if let Some(host) = origin.host {
            request.extensions_mut().insert(ForwardedHost(host));
        }
        let answer = async move {
            let mut response = pipeline::answer(Arc::clone(&app), tls, request).await;
            // So that connections end between answers, and no request meets a closed one.
            if is_h1 && app.is_leaving() && !response.headers().contains_key(CONNECTION) {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            if let Some(elsewhere) = app.alt_svc.as_ref().filter(|_| is_tcp_tls) {
                response.headers_mut().insert(ALT_SVC, elsewhere.clone());
            }
            response.body_mut().hold(guard);
            Ok(response)
        };
        if span.is_disabled() { Box::pin(answer) } else { Box::pin(answer.instrument(span)) }
    }
}

/// Requests of one connection that began and that are done, body included, and what the connection
/// becomes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activity(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicU64,
    done: AtomicU64,
    upgraded: Mutex<Option<Upgraded>>,
}

/// What runs on a connection once it speaks HTTP no more.
struct Upgraded(AfterHttp);

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upgraded")
    }
}

type AfterHttp = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Activity {
    /// Something runs on the connection until the guard is dropped.
    pub(crate) fn begin(&self) -> InFlight {
        self.0.begun.fetch_add(1, Relaxed);
        InFlight(self.clone())
    }

    pub(crate) fn begun(&self) -> u64 {
        self.0.begun.load(Relaxed)
    }

    /// What the connection's task does after HTTP: `future` waits for the upgrade.
    pub(crate) fn go_on_as(&self, future: AfterHttp) {
        *self.0.upgraded.lock() = Some(Upgraded(future));
    }

    pub(crate) fn take_upgraded(&self) -> Option<AfterHttp> {
        self.0.upgraded.lock().take().map(|upgraded| upgraded.0)
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.0.done.load(Relaxed) == self.begun()
    }
}

/// A request that is not done yet.
#[derive(Debug)]
pub(crate) struct InFlight(Activity);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.0.done.fetch_add(1, Relaxed);
    }
}
