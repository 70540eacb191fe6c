//! A deleted session is gone, and its seqs are never used again.

use bytes::Bytes;
use tidegate_core::seams::store::{CommitError, LeaseRequest, ListQuery, Op, Writer};
use tidegate_protocol::ids::{Channel, Direction};
use tidegate_protocol::limits::EPOCH_SEQ_STRIDE;

use super::factory::StoreFactory;
use super::fixture::{Fixture, START, append, append_as, frame, key, owe, put_row, row, seqs};

const OUT: Channel = Channel::OUT;

async fn filled(factory: &dyn StoreFactory) -> Fixture {
    let at = Fixture::new(factory).await;
    at.done(vec![
        owe(&["0", "1"]),
        frame("k", &["0", "1", "2"]),
        Op::PutBlob { name: "b".into(), bytes: Bytes::from_static(b"x") },
        put_row(None, row("chat-1", START)),
    ])
    .await;
    let take = LeaseRequest::Take { holder: "a".into(), ttl_ms: 60_000 };
    at.store.lease(&key(), take).await.expect("a free lease");
    at
}

async fn check_gone(at: &Fixture) {
    assert_eq!(at.row().await, None);
    assert!(at.owed().await.is_empty());
    assert_eq!(at.read(&OUT, 0).await, []);
    assert_eq!(at.store.blob(&key(), "b").await, Ok(None));
    assert_eq!(at.store.resolve("dev", "session_chat-1").await, Ok(None));
    assert_eq!(at.store.sweep_owed(None, 9).await, Ok(vec![]));
    let query = ListQuery { environment: "dev".into(), size: 9, ..ListQuery::default() };
    assert_eq!(at.store.list(query).await.expect("a page").rows, []);
}

/// Nothing of a deleted session can be found.
pub async fn nothing_remains(factory: &dyn StoreFactory) {
    let at = filled(factory).await;
    at.store.delete(&key()).await.expect("a deletion");
    check_gone(&at).await;
    let at = at.reopen(factory).await;
    check_gone(&at).await;
    at.store.enforce_retention(START).await.expect("a sweep");
    let at = at.reopen(factory).await;
    check_gone(&at).await;
}

/// Made again, every stream starts a new epoch far ahead, also one that is written later.
pub async fn a_new_epoch_starts_far_ahead(factory: &dyn StoreFactory) {
    let at = filled(factory).await;
    at.store.delete(&key()).await.expect("a deletion");
    let at = at.reopen(factory).await;
    let base = 3 + EPOCH_SEQ_STRIDE;
    let state = at.state(&OUT).await;
    assert_eq!((state.epoch, state.base, state.tail), (1, base, base));
    let appended = at.done(vec![frame("k", &["new"])]).await.appends[0];
    assert_eq!((appended.epoch, appended.first, appended.repeated), (1, base, false));
    let at = at.reopen(factory).await;
    let later = at.done(vec![owe(&["later"])]).await.appends[0];
    assert_eq!((later.epoch, later.first), (1, base));
    assert_eq!(seqs(&at.read(&OUT, 0).await), [base]);
    let state = at.state(&OUT).await;
    assert_eq!((state.retention_floor, state.replay_floor), (base, base));
    assert_eq!(at.owed().await, [base]);
    let side = Channel::side("s", Direction::In).expect("a name");
    assert_eq!(at.done(vec![append(&side, &["s"])]).await.appends[0].first, base);
    at.store.delete(&key()).await.expect("a second deletion");
    let at = at.reopen(factory).await;
    let third = at.done(vec![append(&OUT, &["x"])]).await.appends[0];
    assert_eq!((third.epoch, third.first), (2, base + 1 + EPOCH_SEQ_STRIDE));
}

/// Writers of the old session stay fenced off from the new one.
pub async fn old_writers_stay_out(factory: &dyn StoreFactory) {
    let at = filled(factory).await;
    at.store.delete(&key()).await.expect("a deletion");
    at.done(vec![append(&OUT, &["new"])]).await;
    let at = at.reopen(factory).await;
    let run = at.commit(vec![append_as(&OUT, Writer::Run { fence: 1 }, &["x"])]).await;
    assert_eq!(run, Err(CommitError::Fenced { current: 2 }));
    let guest = at.commit(vec![append_as(&OUT, Writer::Guest { handovers: 0 }, &["x"])]).await;
    assert!(matches!(guest, Err(CommitError::Fenced { .. })));
    let take = LeaseRequest::Take { holder: "b".into(), ttl_ms: 1 };
    assert_eq!(at.store.lease(&key(), take).await.map(|lease| lease.fence), Ok(3));
}

/// To delete what is not there does nothing, however often.
pub async fn deleting_nothing_does_nothing(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    at.store.delete(&key()).await.expect("nothing to delete");
    assert_eq!(at.done(vec![append(&OUT, &["x"])]).await.appends[0].epoch, 0);
    for _ in 0..3 {
        at.store.delete(&key()).await.expect("a deletion");
    }
    assert_eq!(at.done(vec![append(&OUT, &["x"])]).await.appends[0].epoch, 1);
}
