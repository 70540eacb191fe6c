//! Trims move floors forward, and only so far.

use tidegate_core::seams::store::{Floor, Op};
use tidegate_protocol::ids::Channel;

use super::factory::StoreFactory;
use super::fixture::{Fixture, append, seqs};

const OUT: Channel = Channel::OUT;

fn trim(floor: Floor, before: u64) -> Op {
    Op::Trim { channel: OUT, floor, before }
}

/// Where the floors of `.out` are: (retention, replay).
async fn floors(at: &Fixture) -> (u64, u64) {
    let state = at.state(&OUT).await;
    (state.retention_floor, state.replay_floor)
}

/// The replay floor moves without loss; neither back nor beyond the tail.
pub async fn a_replay_trim_keeps_the_data(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    at.done(vec![append(&OUT, &["0", "1", "2"])]).await;
    at.done(vec![trim(Floor::Replay, 2)]).await;
    at.done(vec![trim(Floor::Replay, 1)]).await;
    let at = at.reopen(factory).await;
    assert_eq!(floors(&at).await, (0, 2));
    assert_eq!(seqs(&at.read(&OUT, 0).await), [0, 1, 2]);
    at.done(vec![trim(Floor::Replay, 99)]).await;
    assert_eq!(floors(&at).await, (0, 3));
}

/// Below the retention floor there is nothing, reads are clamped to it, and it carries the replay
/// floor along.
pub async fn a_retention_trim_drops_the_data(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    at.done(vec![append(&OUT, &["00", "1", "2"])]).await;
    at.done(vec![append(&OUT, &["3", "4"])]).await;
    let before = at.state(&OUT).await.bytes;
    at.done(vec![trim(Floor::Retention, 2)]).await;
    at.done(vec![trim(Floor::Retention, 1)]).await;
    for _ in 0..2 {
        assert_eq!(floors(&at).await, (2, 2));
        assert_eq!(seqs(&at.read(&OUT, 0).await), [2, 3, 4]);
    }
    let at = at.reopen(factory).await;
    assert_eq!(floors(&at).await, (2, 2));
    assert_eq!(seqs(&at.read(&OUT, 0).await), [2, 3, 4]);
    let each = before - 1;
    assert_eq!(at.state(&OUT).await.bytes, each / 5 * 3);
}

/// A trim to the tail empties the stream; its seqs go on.
pub async fn a_trim_ends_at_the_tail(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    at.done(vec![append(&OUT, &["0", "1"]), trim(Floor::Retention, 99)]).await;
    let at = at.reopen(factory).await;
    assert_eq!(floors(&at).await, (2, 2));
    assert_eq!(at.state(&OUT).await.bytes, 0);
    assert_eq!(at.read(&OUT, 0).await, []);
    at.done(vec![append(&OUT, &["2"])]).await;
    let at = at.reopen(factory).await;
    assert_eq!(seqs(&at.read(&OUT, 0).await), [2]);
    at.done(vec![append(&OUT, &["3"]), trim(Floor::Retention, 3)]).await;
    assert_eq!(seqs(&at.read(&OUT, 0).await), [3]);
}

/// A trim of a stream that was never written does nothing.
pub async fn a_trim_of_nothing_is_nothing(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    at.done(vec![trim(Floor::Retention, 5), trim(Floor::Replay, 5)]).await;
    assert_eq!(floors(&at).await, (0, 0));
    assert_eq!(at.done(vec![append(&OUT, &["0"])]).await.appends[0].first, 0);
}
