//! Retention rules move the retention floor.

use tidegate_core::seams::store::{Fate, Op, Retention};
use tidegate_protocol::ids::Channel;
use tidegate_protocol::limits::RECORD_OVERHEAD_BYTES;

use super::factory::StoreFactory;
use super::fixture::{Fixture, START, append, owe, seqs};

const OUT: Channel = Channel::OUT;
const NONE: Retention =
    Retention { ttl_ms: u64::MAX, records: u64::MAX, bytes: u64::MAX, closed_ttl_ms: u64::MAX };

/// Old records go, the newest stays.
pub async fn by_age(factory: &dyn StoreFactory) {
    let at = Fixture::with(factory, Retention { ttl_ms: 1_000, ..NONE }).await;
    at.done(vec![append(&OUT, &["0", "1"])]).await;
    at.clock.pass(500);
    at.done(vec![append(&OUT, &["2"])]).await;
    let enforce =
        async |at: &Fixture, ms| at.store.enforce_retention(START + ms).await.expect("a sweep");
    assert_eq!(enforce(&at, 1_000).await, 0);
    assert_eq!(enforce(&at, 1_001).await, 2);
    assert_eq!(seqs(&at.read(&OUT, 0).await), [2]);
    assert_eq!(enforce(&at, 99_999).await, 0, "the newest stays");
    let at = at.reopen(factory).await;
    assert_eq!(at.state(&OUT).await.retention_floor, 2);
    assert_eq!(at.done(vec![append(&OUT, &["3"])]).await.appends[0].first, 3);
    assert_eq!(enforce(&at, 99_999).await, 1);
    assert_eq!(seqs(&at.read(&OUT, 0).await), [3]);
}

/// Only so many records stay, also within a batch.
pub async fn by_count(factory: &dyn StoreFactory) {
    let at = Fixture::with(factory, Retention { records: 3, ..NONE }).await;
    at.done(vec![append(&OUT, &["0", "1", "2", "3", "4"])]).await;
    assert_eq!(at.store.enforce_retention(START).await, Ok(2));
    assert_eq!(at.store.enforce_retention(START).await, Ok(0));
    let at = at.reopen(factory).await;
    assert_eq!(seqs(&at.read(&OUT, 0).await), [2, 3, 4]);
    let state = at.state(&OUT).await;
    assert_eq!((state.retention_floor, state.replay_floor), (2, 2));
    assert_eq!(state.bytes, 3 * (RECORD_OVERHEAD_BYTES as u64 + 1));
}

/// Only so many bytes stay, but always the newest record.
pub async fn by_bytes(factory: &dyn StoreFactory) {
    let each = RECORD_OVERHEAD_BYTES as u64 + 1;
    let at = Fixture::with(factory, Retention { bytes: 2 * each, ..NONE }).await;
    at.done(vec![append(&OUT, &["0", "1"])]).await;
    at.done(vec![append(&OUT, &["2"])]).await;
    assert_eq!(at.store.enforce_retention(START).await, Ok(1));
    assert_eq!(seqs(&at.read(&OUT, 0).await), [1, 2]);
    at.done(vec![append(&OUT, &["a body that is larger than all that may stay"])]).await;
    assert_eq!(at.store.enforce_retention(START).await, Ok(2));
    let at = at.reopen(factory).await;
    assert_eq!(seqs(&at.read(&OUT, 0).await), [3]);
}

/// What is owed stays, and all after it; fates go with their records.
pub async fn owed_inputs_stay(factory: &dyn StoreFactory) {
    let at = Fixture::with(factory, Retention { records: 1, ..NONE }).await;
    at.done(vec![owe(&["0", "1", "2", "3"])]).await;
    let fate = Fate::Answered { turn: 1 };
    at.done(vec![Op::Settle(vec![(0, fate.clone()), (2, fate.clone())])]).await;
    assert_eq!(at.store.enforce_retention(START).await, Ok(1));
    let at = at.reopen(factory).await;
    assert_eq!(seqs(&at.read(&Channel::IN, 0).await), [1, 2, 3]);
    assert_eq!(at.owed().await, [1, 3]);
    assert_eq!(at.fates().await, [(2, fate.clone())]);
    at.done(vec![Op::Settle(vec![(1, fate)])]).await;
    assert_eq!(at.store.enforce_retention(START).await, Ok(2));
    assert_eq!(seqs(&at.read(&Channel::IN, 0).await), [3]);
    assert!(at.fates().await.is_empty());
}
