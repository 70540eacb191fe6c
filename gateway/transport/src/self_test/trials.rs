//! The steps that wait for their acknowledgement.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tidegate_core::error::Result;
use tidegate_protocol::limits::{SELF_TEST_HOLD_MS, SELF_TESTS_MAX};
use tidegate_protocol::{ApiError, ErrorCode};
use tokio::sync::{Semaphore, oneshot};

/// Acknowledgements that are held back at once; further ones are answered at once.
const HELD_MAX: usize = 1_024;

/// By nonce. A trial waits for one step at a time.
#[derive(Debug)]
pub(crate) struct Trials {
    waiting: Mutex<HashMap<String, oneshot::Sender<()>>>,
    held: Semaphore,
}

impl Default for Trials {
    fn default() -> Self {
        Self { waiting: Mutex::default(), held: Semaphore::new(HELD_MAX) }
    }
}

/// A step that waits; forgotten on drop.
#[derive(Debug)]
pub(super) struct Step {
    trials: Arc<Trials>,
    pub(super) nonce: String,
    pub(super) acknowledged: oneshot::Receiver<()>,
}

impl Trials {
    /// Waits for the acknowledgement of `nonce`.
    pub(super) fn wait_for(self: &Arc<Self>, nonce: u128) -> Result<Step> {
        let nonce = format!("{nonce:032x}");
        let (acknowledge, acknowledged) = oneshot::channel();
        let mut waiting = self.waiting.lock();
        if waiting.len() >= SELF_TESTS_MAX {
            let message = "too many self-tests run; try again later";
            return Err(ApiError::new(ErrorCode::Overloaded, message));
        }
        waiting.insert(nonce.clone(), acknowledge);
        drop(waiting);
        Ok(Step { trials: Arc::clone(self), nonce, acknowledged })
    }

    /// Holds back an acknowledgement that nobody waits for.
    pub(super) async fn hold(&self) {
        if let Ok(_place) = self.held.try_acquire() {
            tokio::time::sleep(Duration::from_millis(SELF_TEST_HOLD_MS)).await;
        }
    }

    /// Was there a step that waited for `nonce`?
    pub(super) fn acknowledge(&self, nonce: &str) -> bool {
        let waiting = self.waiting.lock().remove(nonce);
        waiting.is_some_and(|step| step.send(()).is_ok())
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.trials.waiting.lock().remove(&self.nonce);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_bounded_known_once_and_forgotten() {
        let trials = Arc::new(Trials::default());
        let mut steps: Vec<_> =
            (0..SELF_TESTS_MAX as u128).map(|n| trials.wait_for(n).expect("room")).collect();
        let refused = trials.wait_for(1 << 100).expect_err("full");
        assert_eq!(refused.code, ErrorCode::Overloaded);
        let mut step = steps.remove(0);
        assert!(step.acknowledged.try_recv().is_err());
        assert!(trials.acknowledge(&step.nonce));
        assert!(!trials.acknowledge(&step.nonce));
        assert_eq!(step.acknowledged.try_recv(), Ok(()));
        let nonce = steps[0].nonce.clone();
        drop(steps);
        assert!(!trials.acknowledge(&nonce));
        assert!(trials.waiting.lock().is_empty());
    }
}
