//! The service as tower sees it.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use hyper::body::Incoming;

use super::app::{App, Setup};
use super::connection::Connection;
use super::respond::Response;
use crate::config::TransportConfig;

/// Answers every request of every HTTP version. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    app: Arc<App>,
}

/// The peer of a request that came from no listener of ours.
const NOBODY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The answer to come. Boxed, so that a connection holds nothing of it once it is given.
pub type Answering = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl Service {
    /// A service for `setup`.
    pub fn new(setup: Setup, config: &TransportConfig) -> Self {
        Self { app: Arc::new(App::new(setup, config)) }
    }

    pub(crate) fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// The service of one connection.
    pub(crate) fn connection(&self, tls: bool, peer: IpAddr) -> Connection {
        Connection::new(Arc::clone(&self.app), tls, peer)
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

impl tower::Service<Request<Incoming>> for Service {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Answering {
        hyper::service::Service::call(&self.connection(false, NOBODY), request)
    }
}
