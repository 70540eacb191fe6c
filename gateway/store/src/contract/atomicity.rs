//! All operations of a commit take effect, or none.

use bytes::Bytes;
use tidegate_core::seams::store::{CommitError, Fate, Floor, Op, StreamState, Writer};
use tidegate_protocol::ids::Channel;

use super::factory::StoreFactory;
use super::fixture::{Fixture, START, append, append_as, bodies, key, owe, put_row, row};

fn everything(last: Op) -> Vec<Op> {
    vec![
        owe(&["i"]),
        append(&Channel::OUT, &["o"]),
        Op::Settle(vec![(0, Fate::Answered { turn: 1 })]),
        Op::PutBlob { name: "b".into(), bytes: Bytes::from_static(b"blob") },
        put_row(None, row("chat-1", START)),
        Op::HandOver,
        Op::Trim { channel: Channel::OUT, floor: Floor::Replay, before: 1 },
        last,
    ]
}

/// What one operation refuses, the others did not do.
pub async fn a_refused_commit_leaves_nothing(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    let fenced = append_as(&Channel::OUT, Writer::Run { fence: 7 }, &["x"]);
    let error = at.commit(everything(fenced)).await;
    assert_eq!(error, Err(CommitError::Fenced { current: 0 }));
    let changed = put_row(None, row("chat-1", START));
    let error = at.commit(everything(changed)).await;
    assert_eq!(error, Err(CommitError::RowChanged { current: Some(1) }));
    let at = at.reopen(factory).await;
    assert_eq!(at.state(&Channel::OUT).await, StreamState::default());
    assert_eq!(at.state(&Channel::IN).await, StreamState::default());
    assert_eq!(at.row().await, None);
    assert!(at.owed().await.is_empty());
    assert!(at.fates().await.is_empty());
    assert_eq!(at.store.blob(&key(), "b").await, Ok(None));
    assert_eq!(at.store.resolve("dev", "session_chat-1").await, Ok(None));
}

/// All operations of one commit are there afterwards.
pub async fn a_commit_is_whole(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    at.done(everything(append(&Channel::OUT, &["p"]))).await;
    for _ in 0..2 {
        assert_eq!(bodies(&at.read(&Channel::OUT, 0).await), ["o", "p"]);
        assert!(at.owed().await.is_empty());
        assert_eq!(at.fates().await, [(0, Fate::Answered { turn: 1 })]);
        assert_eq!(at.row().await.expect("a row").version, 1);
        assert_eq!(at.store.blob(&key(), "b").await, Ok(Some(Bytes::from_static(b"blob"))));
        let state = at.state(&Channel::OUT).await;
        assert_eq!((state.handovers, state.replay_floor, state.tail), (1, 1, 2));
    }
    let at = at.reopen(factory).await;
    assert_eq!(bodies(&at.read(&Channel::OUT, 0).await), ["o", "p"]);
    assert_eq!(at.fates().await, [(0, Fate::Answered { turn: 1 })]);
    assert_eq!(at.state(&Channel::OUT).await.handovers, 1);
}
