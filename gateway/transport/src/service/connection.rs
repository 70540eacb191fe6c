//! The service of one connection: knows whether it is TLS, and whether anything runs on it.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use http::Request;
use hyper::body::Incoming;
use tracing::{Instrument, debug_span};

use super::app::App;
use super::pipeline;
use super::respond::Response;
use super::tower::Answering;
use crate::drain::Watch;

/// One connection's service.
#[derive(Clone)]
pub(crate) struct Connection {
    app: Arc<App>,
    tls: bool,
    activity: Activity,
}

impl Connection {
    pub(super) fn new(app: Arc<App>, tls: bool) -> Self {
        Self { app, tls, activity: Activity::default() }
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
        let guard = self.activity.begin();
        let app = Arc::clone(&self.app);
        let tls = self.tls;
        app.metrics.requests.fetch_add(1, Relaxed);
        // Debug, since an append may hold a single token (design §6). Queries may hold credentials.
        let span = debug_span!("request", method = %request.method(), path = request.uri().path());
        let answer = async move {
            let mut response = pipeline::answer(app, tls, request).await;
            response.body_mut().hold(guard);
            Ok(response)
        };
        if span.is_disabled() { Box::pin(answer) } else { Box::pin(answer.instrument(span)) }
    }
}

/// Requests of one connection that began and that are done, body included.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activity(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicU64,
    done: AtomicU64,
}

impl Activity {
    fn begin(&self) -> InFlight {
        self.0.begun.fetch_add(1, Relaxed);
        InFlight(self.clone())
    }

    pub(crate) fn begun(&self) -> u64 {
        self.0.begun.load(Relaxed)
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
