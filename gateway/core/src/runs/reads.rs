//! Reads of `.in` by runs, over HTTP: they end with their run, which would act on what comes for
//! the next one.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tidegate_protocol::ids::SessionKey;
use tokio_util::sync::CancellationToken;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Reads {
    /// By session: fence of the run, and what its reads hold.
    open: Mutex<HashMap<SessionKey, (u64, Weak<CancellationToken>)>>,
}

impl Reads {
    /// The run of `fence` reads: what is given is cancelled when it is over.
    pub(super) fn begin(&self, session: &SessionKey, fence: u64) -> Arc<CancellationToken> {
        let mut open = self.open.lock();
        if let Some((of, held)) = open.get(session)
            && *of == fence
            && let Some(held) = held.upgrade()
        {
            return held;
        }
        // Amortised: what nobody holds any more goes whenever the map would grow.
        if open.len() == open.capacity() {
            open.retain(|_, (_, held)| held.strong_count() > 0);
            let more = open.len() + 1;
            open.reserve(more);
        }
        let held = Arc::new(CancellationToken::new());
        open.insert(session.clone(), (fence, Arc::downgrade(&held)));
        held
    }

    /// The run of the session is over.
    pub(super) fn end(&self, session: &SessionKey) {
        let ended = self.open.lock().remove(session).and_then(|(_, held)| held.upgrade());
        if let Some(ended) = ended {
            ended.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_end_with_their_run() {
        let (reads, session) = (Reads::default(), SessionKey::new("dev", "c"));
        let first = reads.begin(&session, 1);
        assert!(Arc::ptr_eq(&first, &reads.begin(&session, 1)));
        let second = reads.begin(&session, 2);
        reads.end(&session);
        assert!(second.is_cancelled() && !first.is_cancelled());
        assert!(!reads.begin(&session, 2).is_cancelled());
    }
}
