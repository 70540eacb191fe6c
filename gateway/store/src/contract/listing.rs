//! Listings: filters and pages.

use tidegate_core::seams::store::{Commit, ListPage, ListQuery, Position, Status, StoreError};
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::ids::SessionKey;

use super::factory::StoreFactory;
use super::fixture::{Fixture, START, put_row, row};

async fn add(at: &Fixture, row: SessionRow) {
    let session = SessionKey::new(&row.environment, row.name());
    let commit = Commit { session, ops: vec![put_row(None, row)] };
    at.store.commit(commit).await.expect("a new row");
}

fn query(size: usize) -> ListQuery {
    ListQuery { environment: "dev".into(), now: START, size, ..ListQuery::default() }
}

async fn page(at: &Fixture, query: ListQuery) -> ListPage {
    at.store.list(query).await.expect("a page")
}

fn names(page: &ListPage) -> Vec<&str> {
    page.rows.iter().map(SessionRow::name).collect()
}

async fn filled(factory: &dyn StoreFactory) -> Fixture {
    let at = Fixture::new(factory).await;
    let base = |name: &str, at| row(name, START + at);
    add(&at, SessionRow { kind: "other".into(), ..base("a", 1) }).await;
    add(&at, SessionRow { agent: "x".into(), tags: vec!["t".into()], ..base("b", 2) }).await;
    add(&at, SessionRow { closed_at: Some(START), ..base("c", 2) }).await;
    add(&at, SessionRow { expires_at: Some(START), ..base("d", 3) }).await;
    add(&at, SessionRow { expires_at: Some(START + 1), ..base("e", 4) }).await;
    add(&at, SessionRow { environment: "dev2".into(), ..base("f", 5) }).await;
    at
}

/// Every filter by itself and two together; any value of one filter matches.
pub async fn filters(factory: &dyn StoreFactory) {
    let at = filled(factory).await.reopen(factory).await;
    let found = async |query| names(&page(&at, query).await).join("");
    assert_eq!(found(query(9)).await, "edcba");
    let types = vec!["other".into(), "none".into()];
    assert_eq!(found(ListQuery { types, ..query(9) }).await, "a");
    assert_eq!(found(ListQuery { agents: vec!["x".into()], ..query(9) }).await, "b");
    assert_eq!(found(ListQuery { tags: vec!["u".into(), "t".into()], ..query(9) }).await, "b");
    let status = async |statuses: &[Status]| {
        found(ListQuery { statuses: statuses.to_vec(), ..query(9) }).await
    };
    assert_eq!(status(&[Status::Active]).await, "eba");
    assert_eq!(status(&[Status::Closed, Status::Expired]).await, "dc");
    let external_id = Some("d".to_owned());
    assert_eq!(found(ListQuery { external_id, ..query(9) }).await, "d");
    let created = async |from, to| {
        let (created_from, created_to) = (Some(START + from), Some(START + to));
        found(ListQuery { created_from, created_to, ..query(9) }).await
    };
    assert_eq!(created(2, 3).await, "dcb");
    assert_eq!(created(5, 9).await, "");
    let external_id = Some("d".to_owned());
    let closed = ListQuery { external_id, statuses: vec![Status::Closed], ..query(9) };
    assert_eq!(found(closed).await, "");
    assert_eq!(found(ListQuery { environment: "dev2".into(), ..query(9) }).await, "f");
    assert_eq!(found(ListQuery { environment: "dev3".into(), ..query(9) }).await, "");
}

/// Pages in both directions, stable while sessions come and go.
pub async fn pages_are_stable(factory: &dyn StoreFactory) {
    let at = filled(factory).await;
    let first = page(&at, query(2)).await;
    assert_eq!((names(&first).join(""), first.previous.is_some()), ("ed".into(), false));
    add(&at, row("z", START + 9)).await;
    let after = |page: &ListPage| Position::After(page.next.clone().expect("an older page"));
    let before = |page: &ListPage| Position::Before(page.previous.clone().expect("a newer page"));
    let second = page(&at, ListQuery { position: after(&first), ..query(2) }).await;
    assert_eq!(names(&second), ["c", "b"]);
    at.store.delete(&SessionKey::new("dev", "b")).await.expect("a deletion");
    let third = page(&at, ListQuery { position: after(&second), ..query(2) }).await;
    assert_eq!((names(&third), &third.next), (vec!["a"], &None));
    let back = page(&at, ListQuery { position: before(&third), ..query(2) }).await;
    assert_eq!(names(&back), ["d", "c"]);
    let back = page(&at, ListQuery { position: before(&back), ..query(2) }).await;
    assert_eq!((names(&back), &back.previous), (vec!["z", "e"], &None));
    let again = page(&at, ListQuery { position: after(&back), ..query(9) }).await;
    assert_eq!(names(&again), ["d", "c", "a"]);
}

/// Pages of a filtered listing are full as long as there is more.
pub async fn filtered_pages_are_full(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    for i in 0..20 {
        let agent = if i % 3 == 0 { "x" } else { "y" };
        let row = row(&format!("s{i:02}"), START + i / 4);
        add(&at, SessionRow { agent: agent.into(), ..row }).await;
    }
    let mut position = Position::Start;
    let mut pages = Vec::new();
    loop {
        let query = ListQuery { agents: vec!["x".into()], position, ..query(3) };
        let page = page(&at, query).await;
        pages.push(names(&page).join(" "));
        match page.next {
            Some(next) => position = Position::After(next),
            None => break,
        }
    }
    assert_eq!(pages, ["s18 s15 s12", "s09 s06 s03", "s00"]);
}

/// A cursor that no listing made is refused.
pub async fn bad_cursors_are_refused(factory: &dyn StoreFactory) {
    let at = filled(factory).await;
    for garbage in ["", "x", "session_a", "zzzzzzzzzzzzzzzz.session_a", "0.a", "\u{0}.\u{0}"] {
        for position in [Position::After(garbage.into()), Position::Before(garbage.into())] {
            let refused = at.store.list(ListQuery { position, ..query(2) }).await;
            assert_eq!(refused, Err(StoreError::BadCursor), "{garbage:?}");
        }
    }
}

/// A row that changes moves in no listing but shows its new content.
pub async fn changed_rows_show_once(factory: &dyn StoreFactory) {
    let at = filled(factory).await;
    let session = SessionKey::new("dev", "c");
    let changed = SessionRow { agent: "changed".into(), ..row("c", START + 2) };
    let commit = Commit { session, ops: vec![put_row(Some(1), changed)] };
    at.store.commit(commit).await.expect("a changed row");
    let at = at.reopen(factory).await;
    let page = page(&at, query(9)).await;
    assert_eq!(names(&page).join(""), "edcba");
    assert_eq!(page.rows[2].agent, "changed");
}
