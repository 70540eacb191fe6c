//! A task that ends with its owner.

use std::rc::Rc;

use tokio::task::{JoinHandle, spawn_local};

use super::Tally;

/// See the module.
#[derive(Debug)]
pub(super) struct Task(JoinHandle<()>);

impl Task {
    pub(super) fn spawn(work: impl Future<Output = ()> + 'static) -> Self {
        Self(spawn_local(work))
    }

    /// One whose failure is the run's.
    pub(super) fn fallible(
        tally: &Rc<Tally>,
        work: impl Future<Output = std::io::Result<()>> + 'static,
    ) -> Self {
        let tally = tally.clone();
        Self::spawn(async move {
            if let Err(error) = work.await {
                tally.fail(&error);
            }
        })
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
