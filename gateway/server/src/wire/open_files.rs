//! The limit on open files: each connection is one, and shells hand down a small number.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{debug, info};

/// Share of the files that is left to everything but connections: store, backends' sockets.
const OTHERS: f64 = 0.2;

/// Raises the soft limit to the hard one. Answers how many of `wanted` connections fit: at the
/// bound a gateway lets new ones wait, where without files it would fail those it has.
pub(super) fn raise(wanted: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum,
        Err(error) => {
            debug!(%error, "can't raise the limit on open files");
            current
        }
    };
    let Some(files) = files else { return wanted };
    let fit = usize::try_from(files - (files as f64 * OTHERS) as u64).unwrap_or(usize::MAX);
    if fit < wanted {
        info!(limit = files, connections = fit, "the limit on open files bounds connections");
    }
    wanted.min(fit)
}
