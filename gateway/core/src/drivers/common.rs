//! What every driver needs, whichever engine it belongs to.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::fleet::Serving;
use crate::metrics::Metrics;
use crate::seams::{Clock, Entropy, StreamStore};

/// See the module. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Common {
    /// Where sessions live.
    pub store: Arc<dyn StreamStore>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub entropy: Arc<dyn Entropy>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Which gateway serves a session.
    pub serving: Arc<Serving>,
}

/// A moment for waits that nothing ends but something else.
pub(crate) fn far() -> Instant {
    Instant::now() + Duration::from_secs(3_600)
}
