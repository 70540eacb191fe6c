//! What clients see of a session whose streams went on in a new epoch.

use std::sync::Arc;
use std::time::Duration;

use tidegate_core::seams::StreamStore;
use tidegate_core::seams::clock::SystemClock;
use tidegate_core::seams::store::{Appended, Commit, Retention};
use tidegate_protocol::ids::Channel;
use tidegate_store::contract::fixture::{append, key};
use tidegate_store::redis::connect::RedisUrl;
use tidegate_store::servers::{Config, Redis, Sentinels, until};
use tidegate_store::{RedisStore, StoreTime};

use crate::gateway::Gateway;
use crate::log::Agent;
use crate::report::Report;
use crate::session::Session;
use crate::shared::Topology;

#[tokio::test]
async fn inputs_are_listed_over_the_gap_between_epochs() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut redis = Redis::start(Config::new().durable());
    let gateway = Gateway::start(dir.path(), "gateway", &redis.url()).await;
    let report = Arc::new(Report::default());
    let mut session =
        Session::new(gateway.client(), Topology::Single, "c", Agent::Demo, 0, &report);
    session.create().await;
    let silence = Duration::from_secs(5);
    let before = session.say(3, 0).await;
    session.read_answer(silence).await;
    redis.restart();
    let after = session.say(3, 0).await;
    assert!(after > before + 1, "a new epoch");
    session.read_answer(silence).await;
    let inputs = gateway.client().get("/v1/sessions/c/inputs").await.expect("up").json();
    let seqs: Vec<_> = inputs["inputs"].as_array().expect("a list").iter().collect();
    let seqs: Vec<u64> = seqs.iter().filter_map(|input| input["seq"].as_u64()).collect();
    assert_eq!(seqs, [before, after]);
}

async fn open(url: &str, node: &str) -> RedisStore {
    let url = RedisUrl::parse(url).expect("a URL");
    let (time, clock) = (StoreTime::Server, Arc::new(SystemClock));
    let opened = RedisStore::open(url, time, clock, Retention::default(), node.to_owned()).await;
    opened.expect("a store")
}

/// Tries until it is done.
async fn write(store: &RedisStore, body: &str) -> Appended {
    loop {
        let ops = vec![append(&Channel::OUT, &[body])];
        match store.commit(Commit { session: key(), ops }).await {
            Ok(committed) => return committed.appends[0],
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// A primary that was cut off loses its tail to the new one, and is the primary again later: the
/// same process, and a gateway that never saw the tail (I1).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_seq_is_given_twice_after_there_and_back() {
    let sentinels = Sentinels::start(Config::new(), 1).await;
    let first = open(&sentinels.url(), "a").await;
    write(&first, "both have it").await;
    let [old, new] = &sentinels.servers[..] else { panic!("two servers") };
    let replicated = || {
        let size = |server: &Redis| server.ask::<i64>(&["DBSIZE"]).unwrap_or_default();
        size(old) > 0 && size(old) == size(new)
    };
    until("it is replicated", replicated).await;
    new.pause();
    let lost = write(&first, "only the old one has it").await;
    old.pause();
    new.resume();
    until("the other is the primary", || sentinels.primary() == Some(1)).await;
    old.resume();
    let follows = || {
        let info = old.ask::<String>(&["INFO", "replication"]).unwrap_or_default();
        info.contains("role:slave") && info.contains("master_link_status:up")
    };
    until("the old one follows", follows).await;
    sentinels.fail_over().await;
    let second = open(&sentinels.url(), "b").await;
    let after = write(&second, "and then").await;
    assert!(after.first > lost.first, "seq {} was given before", after.first);
}
