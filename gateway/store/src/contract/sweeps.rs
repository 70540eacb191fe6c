//! Sweeps find the sessions that need somebody.

use tidegate_core::seams::store::{Commit, Fate, LeaseRequest, Op, Retention};
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::ids::SessionKey;

use super::factory::StoreFactory;
use super::fixture::{Fixture, START, owe, put_row, row};

fn session(name: &str) -> SessionKey {
    SessionKey::new("dev", name)
}

async fn commit(at: &Fixture, name: &str, ops: Vec<Op>) {
    let commit = Commit { session: session(name), ops };
    at.store.commit(commit).await.expect("a commit");
}

fn names(keys: &[SessionKey]) -> Vec<&str> {
    keys.iter().map(SessionKey::name).collect()
}

/// Sessions that owe something and that nobody serves, in order, page by page.
pub async fn owed_without_a_lease(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    for name in ["c", "a", "b", "d"] {
        commit(&at, name, vec![owe(&["x"])]).await;
    }
    commit(&at, "settled", vec![owe(&["x"]), Op::Settle(vec![(0, Fate::Consumed)])]).await;
    let take = LeaseRequest::Take { holder: "n".into(), ttl_ms: 1_000 };
    at.store.lease(&session("b"), take).await.expect("a free lease");
    let at = at.reopen(factory).await;
    let sweep = async |after: Option<&str>, limit| {
        let keys = at.store.sweep_owed(after.map(session), limit).await.expect("a sweep");
        names(&keys).join("")
    };
    assert_eq!(sweep(None, 9).await, "acd");
    assert_eq!(sweep(None, 2).await, "ac");
    assert_eq!(sweep(Some("a"), 1).await, "c");
    assert_eq!(sweep(Some("d"), 9).await, "");
    at.clock.pass(1_000);
    assert_eq!(sweep(None, 9).await, "abcd", "the lease ran out");
    commit(&at, "a", vec![Op::Settle(vec![(0, Fate::Consumed)])]).await;
    assert_eq!(sweep(None, 9).await, "bcd");
}

/// Sessions that expire or whose retention passes; those that need work come first.
pub async fn expired_sessions(factory: &dyn StoreFactory) {
    let rules = Retention { closed_ttl_ms: 1_000, ..Retention::default() };
    let at = Fixture::with(factory, rules).await;
    let put = async |name: &str, closed_at, expires_at, more: Vec<Op>| {
        let row = SessionRow { closed_at, expires_at, ..row(name, START) };
        let ops = [vec![put_row(None, row)], more].concat();
        commit(&at, name, ops).await;
    };
    put("active", None, None, vec![]).await;
    put("closed", Some(START), Some(START + 10), vec![]).await;
    put("expires", None, Some(START + 100), vec![]).await;
    put("owes", None, Some(START + 50), vec![owe(&["x"])]).await;
    put("later", None, Some(START + 9_000), vec![]).await;
    let at = at.reopen(factory).await;
    let sweep = async |ms, limit| {
        let keys = at.store.sweep_expired(START + ms, limit).await.expect("a sweep");
        names(&keys).join(" ")
    };
    assert_eq!(sweep(49, 9).await, "");
    assert_eq!(sweep(50, 9).await, "owes");
    assert_eq!(sweep(100, 9).await, "owes expires");
    assert_eq!(sweep(999, 9).await, "owes expires");
    assert_eq!(sweep(1_000, 9).await, "closed owes expires");
    assert_eq!(sweep(1_000, 2).await, "closed owes");
    assert_eq!(sweep(1_100, 9).await, "closed owes expires");
    at.store.delete(&session("owes")).await.expect("a deletion");
    let row = SessionRow { expires_at: Some(START + 8_000), ..row("expires", START) };
    commit(&at, "expires", vec![put_row(Some(1), row)]).await;
    let at = at.reopen(factory).await;
    let keys = at.store.sweep_expired(START + 1_100, 9).await.expect("a sweep");
    assert_eq!(names(&keys), ["closed"]);
}
