//! The end of a store.

use tidegate_core::seams::store::{CommitError, LeaseError, LeaseRequest, ListQuery, StoreError};
use tidegate_protocol::ids::Channel;

use super::factory::StoreFactory;
use super::fixture::{ALL, Fixture, append, key, stream};

/// After it is closed, every call says so.
pub async fn a_closed_store_says_so(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    at.done(vec![append(&Channel::OUT, &["x"])]).await;
    let store = &at.store;
    assert_eq!(store.close().await, Ok(()));
    let closed = StoreError::Closed;
    let commit = at.commit(vec![append(&Channel::OUT, &["y"])]).await;
    assert_eq!(commit, Err(CommitError::Store(closed.clone())));
    let out = stream(&Channel::OUT);
    assert_eq!(store.read(&out, 0, ALL).await, Err(closed.clone()));
    assert_eq!(store.state(&out).await, Err(closed.clone()));
    assert_eq!(store.session(&key()).await, Err(closed.clone()));
    assert_eq!(store.resolve("dev", "session_x").await, Err(closed.clone()));
    assert_eq!(store.list(ListQuery::default()).await, Err(closed.clone()));
    assert_eq!(store.owed(&key()).await, Err(closed.clone()));
    assert_eq!(store.fates(&key(), 0, 1).await, Err(closed.clone()));
    assert_eq!(store.blob(&key(), "b").await, Err(closed.clone()));
    assert_eq!(store.blobs(&key(), "", None, 1).await, Err(closed.clone()));
    let release = LeaseRequest::Release { holder: "a".into() };
    let lease = store.lease(&key(), release).await;
    assert_eq!(lease, Err(LeaseError::Store(closed.clone())));
    assert_eq!(store.sweep_owed(None, 1).await, Err(closed.clone()));
    assert_eq!(store.sweep_expired(0, 1).await, Err(closed.clone()));
    assert_eq!(store.delete(&key()).await, Err(closed.clone()));
    assert_eq!(store.enforce_retention(0).await, Err(closed.clone()));
    assert_eq!(store.close().await, Err(closed));
}
