//! Leases.

use tidegate_core::seams::store::{Lease, LeaseError, LeaseRequest};
use tidegate_protocol::ids::Channel;

use super::factory::StoreFactory;
use super::fixture::{Fixture, START, key};

async fn take(at: &Fixture, holder: &str) -> Result<Lease, LeaseError> {
    at.store.lease(&key(), LeaseRequest::Take { holder: holder.into(), ttl_ms: 1_000 }).await
}

async fn release(at: &Fixture, holder: &str) -> Result<Lease, LeaseError> {
    at.store.lease(&key(), LeaseRequest::Release { holder: holder.into() }).await
}

/// One holder at a time; taking bumps the fence, renewing does not.
pub async fn one_holder_at_a_time(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    let lease = |fence, until| Lease { holder: "a".into(), fence, until };
    assert_eq!(take(&at, "a").await, Ok(lease(1, START + 1_000)));
    at.clock.pass(600);
    assert_eq!(take(&at, "a").await, Ok(lease(1, START + 1_600)));
    at.clock.pass(999);
    let at = at.reopen(factory).await;
    let held = LeaseError::Held { holder: "a".into(), until: START + 1_600 };
    assert_eq!(take(&at, "b").await, Err(held.clone()));
    assert_eq!(release(&at, "b").await, Err(held));
    at.clock.pass(1);
    assert_eq!(take(&at, "b").await.map(|lease| lease.fence), Ok(2));
    assert_eq!(at.state(&Channel::OUT).await.fence, 2);
}

/// A lease that ran out is renewed with its fence, if nobody took it meanwhile.
pub async fn a_late_renewal_keeps_the_fence(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    take(&at, "a").await.expect("a free lease");
    at.clock.pass(5_000);
    let late = take(&at, "a").await.expect("a renewal");
    assert_eq!((late.fence, late.until), (1, START + 6_000));
}

/// Who gives it up frees it; to give up what one has not is no error.
pub async fn a_released_lease_is_free(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    release(&at, "a").await.expect("nothing to give up");
    take(&at, "a").await.expect("a free lease");
    release(&at, "a").await.expect("given up");
    let at = at.reopen(factory).await;
    assert_eq!(take(&at, "a").await.map(|lease| lease.fence), Ok(2), "it was taken anew");
    release(&at, "a").await.expect("given up");
    assert_eq!(take(&at, "b").await.map(|lease| lease.fence), Ok(3));
}
