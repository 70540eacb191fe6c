//! What the store leaves in Redis: its schema, and keys that go by themselves.

use std::sync::Arc;

use bytes::Bytes;
use tidegate_core::seams::clock::SystemClock;
use tidegate_core::seams::store::{Commit, Fate, LeaseRequest, Op, Retention};
use tidegate_protocol::ids::{Channel, Direction};
use tidegate_store::contract::fixture::{append, frame, key, owe, put_row, row};
use tidegate_store::servers::{Config, Redis};
use tidegate_store::{OpenError, Opened, open_shared};

async fn open(server: &Redis) -> Result<Opened, OpenError> {
    let clock = Arc::new(SystemClock);
    open_shared(&server.url(), clock, Retention::default(), "node".to_owned()).await
}

/// Keys without an end to their life. One server, so that `SCAN` sees all; its cursor is followed.
fn lasting_keys(server: &Redis) -> Vec<String> {
    let (mut lasting, mut cursor) = (Vec::new(), "0".to_owned());
    loop {
        let (next, keys): (String, Vec<String>) = server.ask(&["SCAN", &cursor]).expect("keys");
        for key in keys {
            if server.ask::<i64>(&["PTTL", &key]).expect("an answer") == -1 {
                lasting.push(key);
            }
        }
        if next == "0" {
            lasting.sort();
            return lasting;
        }
        cursor = next;
    }
}

/// The index of a partition: its name ends after the kind.
fn is_index(key: &str) -> bool {
    key.split_once("}:").is_some_and(|(_, kind)| kind.len() == 1 && "lidoxak".contains(kind))
}

#[tokio::test]
async fn all_of_a_session_goes_by_itself() {
    let server = Redis::start(Config::new());
    let Opened { store, fleet, .. } = open(&server).await.expect("a store");
    let fleet = fleet.expect("a fleet");
    let commit = async |ops| store.commit(Commit { session: key(), ops }).await.expect("done");
    let term = fleet.claim(&key()).await.expect("a claim");
    // Claimed, and nothing else yet.
    let lasting = lasting_keys(&server);
    assert!(lasting.iter().any(|key| key.ends_with(":k")), "{term:?} {lasting:?}");
    let side = Channel::side("side", Direction::Out).expect("a name");
    let bytes = Bytes::from_static(b"blob");
    commit(vec![put_row(None, row("chat-1", 1)), owe(&["a", "b"])]).await;
    commit(vec![frame("f", &["x"]), append(&side, &["y"])]).await;
    commit(vec![Op::PutBlob { name: "blob".to_owned(), bytes }]).await;
    commit(vec![Op::Settle(vec![(0, Fate::Answered { turn: 1 })])]).await;
    let take = LeaseRequest::Take { holder: "holder".to_owned(), ttl_ms: 60_000 };
    store.lease(&key(), take).await.expect("a lease");
    let all: i64 = server.ask(&["DBSIZE"]).expect("a number");
    let is_global = |key: &String| matches!(&**key, "tg:environments" | "tg:reign" | "tg:schema");
    let lasting = lasting_keys(&server);
    let odd: Vec<_> = lasting.iter().filter(|key| !is_index(key) && !is_global(key)).collect();
    assert!(odd.is_empty(), "{odd:?}");
    // Head, three streams, a frame, what is owed, fates, blobs and their names; members.
    assert!(all as usize >= lasting.len() + 10, "{all} keys, of which {lasting:?}");
    store.delete(&key()).await.expect("deleted");
    let lasting = lasting_keys(&server);
    assert!(lasting.iter().all(is_global), "{lasting:?}");
}

#[tokio::test]
async fn what_another_version_shaped_is_refused() {
    let server = Redis::start(Config::new());
    open(&server).await.expect("a store");
    let schema: String = server.ask(&["GET", "tg:schema"]).expect("noted");
    assert_eq!(schema, "1");
    open(&server).await.expect("the same store");
    server.ask::<()>(&["SET", "tg:schema", "0"]).expect("set");
    let refused = open(&server).await.expect_err("no store");
    assert!(matches!(refused, OpenError::OlderSchema { found: 0, known: 1 }), "{refused}");
    for newer in ["2", "two"] {
        server.ask::<()>(&["SET", "tg:schema", newer]).expect("set");
        let refused = open(&server).await.expect_err("no store");
        let OpenError::NewerSchema { found, known: 1 } = &refused else { panic!("{refused}") };
        assert_eq!(found, newer);
    }
}
