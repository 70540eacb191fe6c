//! What the committing thread is asked to do, and how it answers.

use tidegate_core::seams::store::{
    Commit, CommitError, Committed, Lease, LeaseError, LeaseRequest, StoreError,
};
use tidegate_protocol::ids::SessionKey;
use tokio::sync::oneshot;

/// Where a result goes. The asker may be gone.
pub(super) type Answer<T, E> = oneshot::Sender<Result<T, E>>;

/// One thing to do, together with whatever else is queued.
#[derive(Debug)]
pub(super) enum Job {
    Commit(Commit, Answer<Committed, CommitError>),
    Lease(SessionKey, LeaseRequest, Answer<Lease, LeaseError>),
    Delete(SessionKey, Answer<(), StoreError>),
    /// Drops what retention no longer keeps at this time (Unix ms).
    Enforce(SessionKey, u64, Answer<u64, StoreError>),
    /// Removes keys that nothing refers to any more.
    Remove(Vec<Vec<u8>>, Answer<(), StoreError>),
    /// Ends the thread once all before it is done.
    Close(Answer<(), StoreError>),
}

/// An answer that waits for its group to be synced.
pub(super) type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Answers `result` once the group is synced, or the group's error.
pub(super) fn reply<T, E>(answer: Answer<T, E>, result: Result<T, E>) -> Reply
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    Box::new(move |group| {
        // Nobody waits any more: then nobody needs the answer.
        let _ = answer.send(group.map_err(E::from).and(result));
    })
}
