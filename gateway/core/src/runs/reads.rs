//! Reads of `.in` by runs, over HTTP: they end with their run, which would act on what comes for
//! the next one. It could settle nothing, for its fence is of the past, so that no message would
//! be lost; but its tools would run beside those of the next one.
//!
//! The gateway that serves the session ends the reads that are its own at once. A run may read at
//! any other one, too, which hears nothing of its end: there it is looked, before a record is
//! shown, whether the run is still the session's (R-RUNS-23).

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tidegate_protocol::ids::SessionKey;
use tokio_util::sync::CancellationToken;

use super::book::{BOOK_BLOB, Book};
use crate::channels::follower::Guard;
use crate::gateway::Gateway;

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

impl Gateway {
    /// Lets the run of `fence` see only what comes while it is the session's; `over` says that it
    /// is no more.
    pub(crate) fn run_guard(
        &self,
        session: &SessionKey,
        fence: u64,
        over: &Arc<CancellationToken>,
    ) -> Guard {
        let (store, session, over) = (Arc::clone(self.store()), session.clone(), Arc::clone(over));
        Box::new(move || {
            let (store, session, over) = (Arc::clone(&store), session.clone(), Arc::clone(&over));
            Box::pin(async move {
                let blob = store.blob(&session, BOOK_BLOB).await?;
                let book = blob.map(|bytes| Book::parse(&bytes)).transpose()?;
                let is_live = book.is_some_and(|book| book.is_of(fence));
                if !is_live {
                    over.cancel();
                }
                Ok(is_live)
            })
        })
    }
}

impl Book {
    /// Is the run of `fence` live?
    pub(super) fn is_of(&self, fence: u64) -> bool {
        self.current.as_ref().is_some_and(|current| current.fence == fence)
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
