//! Two handles on one server: what one commits, the other's listener hears.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tidegate_core::seams::clock::SystemClock;
use tidegate_core::seams::store::{Commit, CommitListener, Retention};
use tidegate_protocol::Record;
use tidegate_protocol::ids::{Channel, StreamId};
use tidegate_store::contract::fixture::{append, key, stream};
use tidegate_store::servers::{Config, Redis, until};
use tidegate_store::{ListenableStore, open_shared};

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<u64>>);

impl CommitListener for Heard {
    fn committed(&self, _: &StreamId, records: &Arc<[Record]>) {
        self.0.lock().extend(records.iter().map(|record| record.seq_num));
    }
}

async fn open(server: &Redis, node: &str) -> Arc<dyn ListenableStore> {
    let clock = Arc::new(SystemClock);
    let store = open_shared(&server.url(), clock, Retention::default(), node.to_owned()).await;
    store.expect("a store").store
}

async fn write(store: &Arc<dyn ListenableStore>, count: u64) {
    for _ in 0..count {
        let ops = vec![append(&Channel::OUT, &["x"])];
        store.commit(Commit { session: key(), ops }).await.expect("a commit");
    }
}

/// Waits until the listener heard of `count` records, which must be all in order.
async fn heard(by: &Heard, count: u64) {
    let all = async {
        while (by.0.lock().len() as u64) < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all).await.expect("all were heard of");
    assert_eq!(*by.0.lock(), (0..count).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_other_hears_in_order_also_where_hints_get_lost() {
    let server = Redis::start(Config::new());
    let (one, two) = (open(&server, "one").await, open(&server, "two").await);
    let by = Arc::new(Heard::default());
    two.set_listener(by.clone());
    let out = stream(&Channel::OUT);
    two.state(&out).await.expect("a state");
    let watch = two.watch(&out);
    write(&one, 50).await;
    write(&two, 10).await;
    heard(&by, 60).await;
    let killed: i64 = server.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]).expect("killed");
    assert_eq!(killed, 2, "the subscriptions of both");
    write(&one, 50).await;
    write(&two, 1).await;
    heard(&by, 111).await;
    drop(watch);
}

/// What a gateway does when readers come and go while it is told of a commit.
#[derive(Debug)]
struct Coming {
    store: Weak<dyn ListenableStore>,
    heard: Heard,
}

impl CommitListener for Coming {
    fn committed(&self, stream: &StreamId, records: &Arc<[Record]>) {
        let store = self.store.upgrade().expect("the store tells");
        drop(store.watch(stream));
        self.heard.committed(stream, records);
    }
}

#[tokio::test]
async fn the_listener_may_watch_and_stop_to_watch_what_it_is_told_of() {
    let server = Redis::start(Config::new());
    let store = open(&server, "one").await;
    let by = Arc::new(Coming { store: Arc::downgrade(&store), heard: Heard::default() });
    store.set_listener(by.clone());
    write(&store, 20).await;
    heard(&by.heard, 20).await;
}

/// How many hints the server was given.
fn hints(server: &Redis) -> u64 {
    let stats: String = server.ask(&["INFO", "commandstats"]).expect("statistics");
    let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_spublish:calls="));
    line.map_or(0, |line| line.split(',').next().expect("a count").parse().expect("a number"))
}

fn listeners(server: &Redis) -> u64 {
    let channels: Vec<String> = server.ask(&["PUBSUB", "SHARDCHANNELS", "*}:w:*"]).expect("names");
    let Some(channel) = channels.first() else { return 0 };
    server.ask::<(String, u64)>(&["PUBSUB", "SHARDNUMSUB", channel]).expect("a count").1
}

#[tokio::test]
async fn nobody_hints_at_what_only_it_hears() {
    let server = Redis::start(Config::new());
    let (one, two) = (open(&server, "one").await, open(&server, "two").await);
    let by = Arc::new(Heard::default());
    two.set_listener(by.clone());
    let out = stream(&Channel::OUT);
    let own = one.watch(&out);
    until("one listens", || listeners(&server) == 1).await;
    // By the end of these it knows that it does.
    write(&one, 20).await;
    let before = hints(&server);
    write(&one, 20).await;
    assert_eq!(hints(&server), before, "only its sender listens");
    let state = two.state(&out).await.expect("a state");
    let watch = two.watch(&out);
    until("both listen", || listeners(&server) == 2).await;
    write(&one, 20).await;
    assert_eq!(hints(&server), before + 20, "another one listens");
    until("it heard", || by.0.lock().len() == 20).await;
    assert_eq!(by.0.lock()[0], state.tail);
    drop(own);
    until("one does not", || listeners(&server) == 1).await;
    write(&one, 1).await;
    until("it heard", || by.0.lock().len() == 21).await;
    drop(watch);
}
