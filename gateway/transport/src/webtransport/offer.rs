//! A client that wants a session: an extension of its request.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;

use super::session::Session;

/// Whoever answers the request may take it; if the answer is 2xx, the session begins.
#[derive(Clone, Default)]
pub struct Offer(Arc<Mutex<Option<Serve>>>);

pub(crate) type Serving = Pin<Box<dyn Future<Output = ()> + Send>>;
pub(crate) type Serve = Box<dyn FnOnce(Session) -> Serving + Send>;

impl Offer {
    /// What serves the session. The session is over when it returns.
    pub fn serve_with<F>(&self, serve: impl FnOnce(Session) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        *self.0.lock() = Some(Box::new(|session| Box::pin(serve(session))));
    }

    pub(crate) fn taken(&self) -> Option<Serve> {
        self.0.lock().take()
    }
}

impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Offer").field("taken", &self.0.lock().is_some()).finish()
    }
}
