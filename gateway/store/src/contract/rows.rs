//! Session rows: compare-and-set and look-up.

use tidegate_core::seams::store::{CommitError, Op};
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::ids::Channel;

use super::factory::StoreFactory;
use super::fixture::{Fixture, START, append, key, put_row, row, stream};

/// A row is replaced only by who read its version.
pub async fn rows_compare_and_set(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    assert_eq!(at.row().await, None);
    let absent = at.commit(vec![put_row(Some(1), row("chat-1", START))]).await;
    assert_eq!(absent, Err(CommitError::RowChanged { current: None }));
    let forged = SessionRow { version: 77, ..row("chat-1", START) };
    at.done(vec![put_row(None, forged)]).await;
    let again = at.commit(vec![put_row(None, row("chat-1", START))]).await;
    assert_eq!(again, Err(CommitError::RowChanged { current: Some(1) }));
    let full = SessionRow {
        tags: vec!["a".into()],
        metadata: Some(serde_json::json!({ "b": 1, "a": [2.5, null] })),
        closed_at: Some(START),
        closed_reason: Some("done".into()),
        expires_at: Some(START + 5),
        ..row("chat-1", START)
    };
    at.done(vec![put_row(Some(1), full.clone())]).await;
    let expected = SessionRow { version: 2, ..full };
    assert_eq!(at.row().await.as_deref(), Some(&expected));
    let at = at.reopen(factory).await;
    assert_eq!(at.row().await.as_deref(), Some(&expected));
    let stale = at.commit(vec![put_row(Some(1), row("chat-1", START))]).await;
    assert_eq!(stale, Err(CommitError::RowChanged { current: Some(2) }));
}

/// Both writes of a row in one commit count.
pub async fn a_row_can_be_written_twice_in_a_commit(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    let second = SessionRow { agent: "other".into(), ..row("chat-1", START) };
    at.done(vec![put_row(None, row("chat-1", START)), put_row(Some(1), second)]).await;
    let at = at.reopen(factory).await;
    let stored = at.row().await.expect("a row");
    assert_eq!((stored.version, stored.agent.as_str()), (2, "other"));
}

/// What was decided by a row is committed only while the row is the same.
pub async fn a_commit_can_expect_a_row(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    let expecting = |version| vec![Op::ExpectRow { version }, append(&Channel::OUT, &["x"])];
    let absent = at.commit(expecting(1)).await;
    assert_eq!(absent, Err(CommitError::RowChanged { current: None }));
    at.done(vec![put_row(None, row("chat-1", START))]).await;
    at.done(expecting(1)).await;
    at.done(vec![put_row(Some(1), row("chat-1", START))]).await;
    let stale = at.commit(expecting(1)).await;
    assert_eq!(stale, Err(CommitError::RowChanged { current: Some(2) }));
    let state = at.store.state(&stream(&Channel::OUT)).await.expect("readable");
    assert_eq!(state.tail, 1);
}

/// A session is found by its friendly id, within its environment.
pub async fn friendly_ids_resolve(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    at.done(vec![put_row(None, row("chat-1", START))]).await;
    for _ in 0..2 {
        assert_eq!(at.store.resolve("dev", "session_chat-1").await, Ok(Some(key())));
        assert_eq!(at.store.resolve("prod", "session_chat-1").await, Ok(None));
        assert_eq!(at.store.resolve("dev", "session_other").await, Ok(None));
    }
    let at = at.reopen(factory).await;
    assert_eq!(at.store.resolve("dev", "session_chat-1").await, Ok(Some(key())));
}
