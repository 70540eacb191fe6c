//! Wake-ups: they come, and it is said when they may not have.

use std::sync::Arc;
use std::time::Duration;

use tidegate_store::redis::connect::{Call, Connection, Subscriber, SubscriberListener, slot_of};
use tidegate_store::servers::{Cluster, Config, Redis};
use tokio::sync::mpsc;

use super::harness::opened;

#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Message(String, String),
    Subscribed(String),
    Lost,
}

#[derive(Debug)]
struct Ear(mpsc::Sender<Heard>);

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl SubscriberListener for Ear {
    fn message(&self, channel: &[u8], payload: &[u8]) {
        let _ = self.0.try_send(Heard::Message(text(channel), text(payload)));
    }

    fn subscribed(&self, channel: &[u8]) {
        let _ = self.0.try_send(Heard::Subscribed(text(channel)));
    }

    fn lost(&self) {
        let _ = self.0.try_send(Heard::Lost);
    }
}

struct Listening {
    subscriber: Subscriber,
    heard: mpsc::Receiver<Heard>,
}

impl Listening {
    fn new(connection: &Connection) -> Self {
        let (say, heard) = mpsc::channel(10_000);
        Self { subscriber: Subscriber::new(connection, Arc::new(Ear(say))), heard }
    }

    async fn hears(&mut self, wanted: Heard) {
        let heard = async {
            loop {
                match self.heard.recv().await {
                    Some(heard) if heard == wanted => return,
                    Some(_) => {}
                    None => panic!("nobody speaks"),
                }
            }
        };
        let heard = tokio::time::timeout(Duration::from_secs(30), heard).await;
        assert!(heard.is_ok(), "{wanted:?} was not heard");
    }
}

async fn publish(connection: &Connection, channel: &str, payload: &str) {
    let call = Call::command("SPUBLISH", channel).arg(payload);
    connection.run(call).await.expect("published");
}

fn message(channel: &str, payload: &str) -> Heard {
    Heard::Message(channel.to_owned(), payload.to_owned())
}

fn subscribed(channel: &str) -> Heard {
    Heard::Subscribed(channel.to_owned())
}

#[tokio::test]
async fn what_is_published_is_heard() {
    let server = Redis::start(Config::new());
    let connection = opened(&server.url()).await;
    let mut listening = Listening::new(&connection);
    for n in 0..1_000 {
        listening.subscriber.subscribe(format!("c{n}").as_bytes());
    }
    let mut missing = 1_000;
    while missing > 0 {
        match listening.heard.recv().await {
            Some(Heard::Subscribed(_)) => missing -= 1,
            other => panic!("{other:?}"),
        }
    }
    publish(&connection, "c7", "x").await;
    listening.hears(message("c7", "x")).await;
    listening.subscriber.unsubscribe(b"c7");
    listening.subscriber.subscribe(b"other");
    listening.hears(subscribed("other")).await;
    listening.subscriber.subscribe(b"c7");
    listening.hears(subscribed("c7")).await;
    publish(&connection, "c7", "y").await;
    listening.hears(message("c7", "y")).await;
}

#[tokio::test]
async fn a_cut_is_told_and_mended() {
    let server = Redis::start(Config::new());
    let connection = opened(&server.url()).await;
    let mut listening = Listening::new(&connection);
    listening.subscriber.subscribe(b"c");
    listening.hears(subscribed("c")).await;
    for _ in 0..5 {
        server.ask::<i64>(&["CLIENT", "KILL", "TYPE", "pubsub"]).unwrap();
        listening.hears(subscribed("c")).await;
        listening.hears(Heard::Lost).await;
        publish(&connection, "c", "x").await;
        listening.hears(message("c", "x")).await;
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_noticed() {
    let server = Redis::start(Config::new());
    let connection = opened(&server.url()).await;
    let mut listening = Listening::new(&connection);
    listening.subscriber.subscribe(b"c");
    listening.hears(subscribed("c")).await;
    server.pause();
    tokio::time::sleep(Duration::from_secs(4)).await;
    server.resume();
    listening.hears(Heard::Lost).await;
}

#[tokio::test]
async fn channels_go_where_their_slots_go() {
    let cluster = Cluster::start(Config::new(), false).await;
    let connection = opened(&cluster.url()).await;
    let mut listening = Listening::new(&connection);
    for n in 0..10 {
        let channel = format!("{{{n}}}");
        listening.subscriber.subscribe(channel.as_bytes());
        listening.hears(subscribed(&channel)).await;
        publish(&connection, &channel, "x").await;
        listening.hears(message(&channel, "x")).await;
    }
    let slot = slot_of(b"7");
    cluster.move_slot(slot, (cluster.server_of(slot) + 1) % 3);
    listening.hears(subscribed("{7}")).await;
    publish(&connection, "{7}", "y").await;
    listening.hears(message("{7}", "y")).await;
}
