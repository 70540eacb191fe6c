//! Who may write (I4).

use bytes::Bytes;
use tidegate_core::seams::store::{CommitError, LeaseRequest, Op, Writer};
use tidegate_protocol::ids::Channel;

use super::factory::StoreFactory;
use super::fixture::{Fixture, append_as, bodies, key};

const OUT: Channel = Channel::OUT;

/// A run writes under its own fence only; a client under any.
pub async fn a_run_is_fenced(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    let take = LeaseRequest::Take { holder: "a".into(), ttl_ms: 1_000 };
    let lease = at.store.lease(&key(), take).await.expect("a free lease");
    assert_eq!(lease.fence, 1);
    at.done(vec![append_as(&OUT, Writer::Run { fence: 1 }, &["run"])]).await;
    for fence in [0, 2] {
        let error = at.commit(vec![append_as(&OUT, Writer::Run { fence }, &["x"])]).await;
        assert_eq!(error, Err(CommitError::Fenced { current: 1 }));
    }
    at.done(vec![append_as(&OUT, Writer::Client, &["client"])]).await;
    let at = at.reopen(factory).await;
    assert_eq!(at.state(&OUT).await.fence, 1);
    at.done(vec![append_as(&OUT, Writer::Run { fence: 1 }, &["again"])]).await;
    assert_eq!(bodies(&at.read(&OUT, 0).await), ["run", "client", "again"]);
}

/// What needs a fence is not written under another, whatever else the commit holds.
pub async fn a_blob_can_be_bound_to_a_fence(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    let put = |fence, text: &'static str| {
        let bytes = Bytes::from_static(text.as_bytes());
        vec![Op::ExpectFence { fence }, Op::PutBlob { name: "b".into(), bytes }]
    };
    at.done(put(0, "first")).await;
    at.done(vec![append_as(&OUT, Writer::Gateway { bump: true }, &["cut off"])]).await;
    assert_eq!(at.commit(put(0, "late")).await, Err(CommitError::Fenced { current: 1 }));
    let bumped = append_as(&OUT, Writer::Gateway { bump: true }, &["x"]);
    let after = std::iter::once(bumped).chain(put(1, "late")).collect();
    assert_eq!(at.commit(after).await, Err(CommitError::Fenced { current: 2 }));
    let at = at.reopen(factory).await;
    let blob = at.store.blob(&key(), "b").await;
    assert_eq!(blob, Ok(Some(Bytes::from_static(b"first"))));
}

/// The gateway cuts off a run, in the same commit as it writes.
pub async fn the_gateway_bumps_the_fence(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    let run = |fence| append_as(&OUT, Writer::Run { fence }, &["run"]);
    at.done(vec![run(0)]).await;
    at.done(vec![append_as(&OUT, Writer::Gateway { bump: false }, &["keep-alive"])]).await;
    at.done(vec![run(0)]).await;
    at.done(vec![append_as(&OUT, Writer::Gateway { bump: true }, &["error"])]).await;
    assert_eq!(at.commit(vec![run(0)]).await, Err(CommitError::Fenced { current: 1 }));
    let at = at.reopen(factory).await;
    assert_eq!(at.commit(vec![run(0)]).await, Err(CommitError::Fenced { current: 1 }));
    let both = vec![append_as(&OUT, Writer::Gateway { bump: true }, &["x"]), run(1)];
    assert_eq!(at.commit(both).await, Err(CommitError::Fenced { current: 2 }));
    assert_eq!(at.state(&OUT).await.fence, 1, "the refused commit bumped nothing");
}

/// A bump ends the lease: its holder gets a new fence only by taking the lease anew.
pub async fn a_bump_ends_the_lease(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    let take = |holder: &str| LeaseRequest::Take { holder: holder.into(), ttl_ms: 60_000 };
    at.store.lease(&key(), take("a")).await.expect("a free lease");
    at.done(vec![append_as(&OUT, Writer::Gateway { bump: true }, &["error"])]).await;
    let lease = at.store.lease(&key(), take("b")).await.expect("free again");
    assert_eq!(lease.fence, 3);
}

/// A guest writes until hand-over.
pub async fn a_guest_writes_until_hand_over(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    let guest = |handovers| append_as(&OUT, Writer::Guest { handovers }, &["guest"]);
    at.done(vec![guest(0)]).await;
    let both = at.commit(vec![Op::HandOver, guest(0)]).await;
    assert_eq!(both, Err(CommitError::Fenced { current: 0 }));
    at.done(vec![guest(0), Op::HandOver]).await;
    let at = at.reopen(factory).await;
    assert_eq!(at.commit(vec![guest(0)]).await, Err(CommitError::Fenced { current: 0 }));
    at.done(vec![guest(1)]).await;
    assert_eq!(at.state(&OUT).await.handovers, 1);
}
