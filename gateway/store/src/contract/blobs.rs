//! Blobs.

use bytes::Bytes;
use tidegate_core::seams::store::{Commit, Op};
use tidegate_protocol::ids::SessionKey;

use super::factory::StoreFactory;
use super::fixture::{Fixture, key};

fn put(name: &str, content: &'static str) -> Op {
    Op::PutBlob { name: name.into(), bytes: Bytes::from_static(content.as_bytes()) }
}

async fn names(at: &Fixture, prefix: &str, before: Option<&str>, limit: usize) -> Vec<String> {
    let blobs = at.store.blobs(&key(), prefix, before, limit).await.expect("blobs");
    blobs.into_iter().map(|(name, _)| name).collect()
}

/// A blob is replaced as a whole and read back, also a large or empty one.
pub async fn blobs_are_kept(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    let large = Bytes::from(vec![7; 3 * 1024 * 1024]);
    at.done(vec![put("a", "old"), put("empty", "")]).await;
    at.done(vec![put("a", "new"), Op::PutBlob { name: "l".into(), bytes: large.clone() }]).await;
    let at = at.reopen(factory).await;
    let blob = async |name| at.store.blob(&key(), name).await.expect("a blob or none");
    assert_eq!(blob("a").await, Some(Bytes::from_static(b"new")));
    assert_eq!(blob("empty").await, Some(Bytes::new()));
    assert_eq!(blob("l").await, Some(large));
    assert_eq!(blob("b").await, None);
    let other = SessionKey::new("dev", "chat-2");
    assert_eq!(at.store.blob(&other, "a").await, Ok(None));
}

/// Listings go by prefix, newest name first, page by page.
pub async fn blobs_list_by_prefix(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    at.done(["t/1", "t/2", "t/3", "u/1", "t", "sz"].map(|name| put(name, name)).into()).await;
    let other = Commit { session: SessionKey::new("dev", "chat-2"), ops: vec![put("t/9", "9")] };
    at.store.commit(other).await.expect("a commit");
    for _ in 0..2 {
        assert_eq!(names(&at, "t/", None, 2).await, ["t/3", "t/2"]);
        assert_eq!(names(&at, "t/", Some("t/2"), 9).await, ["t/1"]);
        assert_eq!(names(&at, "t/", Some("a"), 9).await, [""; 0]);
        assert_eq!(names(&at, "t/", Some("z"), 9).await, ["t/3", "t/2", "t/1"]);
        assert_eq!(names(&at, "", None, 9).await, ["u/1", "t/3", "t/2", "t/1", "t", "sz"]);
    }
    let at = at.reopen(factory).await;
    let blobs = at.store.blobs(&key(), "t/3", None, 1).await;
    assert_eq!(blobs, Ok(vec![("t/3".into(), Bytes::from_static(b"t/3"))]));
}

/// A prefix is cleared from a name on, also of what the same commit wrote.
pub async fn blobs_are_deleted_from_a_name_on(factory: &dyn StoreFactory) {
    let at = Fixture::new(factory).await;
    at.done(["t/1", "t/2", "t/3", "u"].map(|name| put(name, name)).into()).await;
    let delete =
        |prefix: &str, from: &str| Op::DeleteBlobs { prefix: prefix.into(), from: from.into() };
    at.done(vec![put("t/4", ""), delete("t/", "t/2"), put("t/5", "")]).await;
    let at = at.reopen(factory).await;
    assert_eq!(names(&at, "", None, 9).await, ["u", "t/5", "t/1"]);
    at.done(vec![delete("t/", "z")]).await;
    assert_eq!(names(&at, "", None, 9).await, ["u", "t/5", "t/1"]);
    at.done(vec![delete("t/", "")]).await;
    assert_eq!(names(&at, "", None, 9).await, ["u"]);
}
