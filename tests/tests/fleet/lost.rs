//! Messages between gateways that get lost cost time, never data (R-FLT-6).

use serde_json::json;
use tidegate_protocol::control;
use tidegate_store::servers::{Config, Redis};

use crate::harness::{floor, text, types};
use crate::nodes::{Nodes, at, over_redis};

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_hears_nothing_still_sees_input_and_stops() {
    let mut nodes = Nodes::new();
    let (a, b) = (nodes.start("a").await, nodes.start("b").await);
    at(&a, "s").create(json!({"trigger": "preload"})).await.expect("created");
    at(&a, "s").say("u1", "/hang").await;
    at(&b, "s").read(None, |record| text(std::slice::from_ref(record)).contains("here")).await;
    nodes.hub.deafen("a");
    at(&b, "s").stop().await;
    let next = at(&b, "s").say("u2", "and then").await;
    let records = at(&b, "s").read(Some(0), |record| floor(record) == Some(next)).await;
    assert!(types(&records).contains(&"abort".to_owned()), "{:?}", types(&records));
    assert!(text(&records).contains("and then"), "{records:?}");
    let boundaries = records.iter().filter(|record| control::is_boundary(record)).count();
    assert_eq!(boundaries, 2, "each turn has its own");
    assert!(b.turns().is_empty(), "the claim stays where it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_to_a_gateway_that_did_not_hear_of_it_is_found() {
    let mut nodes = Nodes::new();
    let (a, b) = (nodes.start("a").await, nodes.start("b").await);
    at(&a, "s").create(json!({"trigger": "preload"})).await.expect("created");
    nodes.hub.deafen("b");
    a.turns().drain().await;
    // It asks the other one to serve the session, in vain.
    let seq = at(&a, "s").say("u1", "hello").await;
    let records = at(&a, "s").answer_to(seq).await;
    assert!(text(&records).contains("hello"), "{records:?}");
    assert_eq!(b.turns().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_subscriptions_readers_elsewhere_get_everything_and_claims_stay() {
    let server = Redis::start(Config::default());
    let (a, b) = (over_redis(&server, 1).await, over_redis(&server, 2).await);
    at(&a, "s").create(json!({"trigger": "preload"})).await.expect("created");
    let first = at(&a, "s").say("u1", "one").await;
    at(&b, "s").answer_to(first).await;
    assert_eq!((a.turns().len(), b.turns().len()), (1, 0), "the first one serves it");
    // Commands go on; nothing can be subscribed to any more.
    let refused = ["ACL", "SETUSER", "default", "-subscribe", "-ssubscribe"];
    server.ask::<String>(&refused).expect("changed");
    let killed: i64 = server.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]).expect("killed");
    assert!(killed >= 2, "{killed}");
    let second = at(&b, "s").say("u2", "two").await;
    let records = at(&b, "s").answer_to(second).await;
    assert!(text(&records).contains("two"), "{records:?}");
    let third = at(&a, "s").say("u3", "three").await;
    let records = at(&b, "s").answer_to(third).await;
    assert!(text(&records).contains("three"), "{records:?}");
    assert_eq!((a.turns().len(), b.turns().len()), (1, 0), "it still does");
}
