//! Inputs are owed until they have their one fate (I2).

use tidegate_core::seams::store::{Append, CommitError, Fate, Op, Writer};
use tidegate_protocol::ids::Channel;
use tidegate_protocol::limits::OWED_MAX;

use super::factory::StoreFactory;
use super::fixture::{Fixture, append, key, owe};

/// An owed input is settled once; its first fate stays.
pub async fn an_input_has_one_fate(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    at.done(vec![owe(&["0", "1"]), append(&Channel::IN, &["2"])]).await;
    assert_eq!(at.owed().await, [0, 1]);
    at.done(vec![Op::Settle(vec![(1, Fate::Superseded { by: 2 })])]).await;
    let at = at.reopen(factory).await;
    assert_eq!(at.owed().await, [0]);
    let second = vec![(1, Fate::Expired), (2, Fate::Consumed), (0, Fate::Answered { turn: 1 })];
    at.done(vec![Op::Settle(second)]).await;
    let at = at.reopen(factory).await;
    let all =
        vec![(0, Fate::Answered { turn: 1 }), (1, Fate::Superseded { by: 2 }), (2, Fate::Consumed)];
    assert!(at.owed().await.is_empty());
    assert_eq!(at.fates().await, all);
    assert_eq!(at.store.fates(&key(), 1, 1).await, Ok(all[1..2].to_vec()));
}

/// An input can be settled in the commit that appends it; what does not exist can't be.
pub async fn a_fate_needs_its_input(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    at.done(vec![owe(&["0"]), Op::Settle(vec![(0, Fate::Consumed), (1, Fate::Consumed)])]).await;
    assert_eq!((at.owed().await, at.fates().await), (vec![], vec![(0, Fate::Consumed)]));
    at.done(vec![owe(&["1"])]).await;
    assert_eq!((at.owed().await, at.fates().await.len()), (vec![1], 1));
}

/// Only so much may be owed.
pub async fn what_is_owed_is_bounded(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    let many = vec!["x"; OWED_MAX];
    at.done(vec![owe(&many)]).await;
    let refused = Err(CommitError::TooManyOwed { owed: OWED_MAX });
    assert_eq!(at.commit(vec![owe(&["y"])]).await, refused);
    let Op::Append(stop) = owe(&["stop"]) else { return };
    let stop = Append { writer: Writer::Gateway { bump: false }, ..stop };
    at.done(vec![Op::Append(stop), Op::Settle(vec![(OWED_MAX as u64, Fate::Consumed)])]).await;
    at.done(vec![append(&Channel::IN, &["not owed"])]).await;
    at.done(vec![Op::Settle(vec![(5, Fate::Consumed)]), owe(&["y"])]).await;
    let at = at.reopen(factory).await;
    assert_eq!(at.commit(vec![owe(&["z"])]).await, refused);
    assert_eq!(at.owed().await.len(), OWED_MAX);
}

/// Only what is appended to `.in` can be owed.
pub async fn only_inputs_are_owed(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    let Op::Append(output) = append(&Channel::OUT, &["o"]) else { return };
    at.done(vec![Op::Append(Append { owed: true, ..output })]).await;
    assert!(at.owed().await.is_empty());
}
