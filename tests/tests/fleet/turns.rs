//! Agents that every gateway can serve.

use std::time::Duration;

use serde_json::json;
use tidegate_protocol::control;
use tokio::time::{sleep, timeout};

use crate::harness::{floor, text, types};
use crate::nodes::{Nodes, at};

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn any_gateway_takes_input_and_shows_answers() {
    let mut nodes = Nodes::new();
    let (a, b, c) = (nodes.start("a").await, nodes.start("b").await, nodes.start("c").await);
    at(&a, "s").create(json!({"trigger": "preload"})).await.expect("created");
    let mut last = 0;
    for (turn, gateway) in [&b, &c, &a, &b].into_iter().enumerate() {
        let seq = at(gateway, "s").say(&format!("u{turn}"), &format!("hello {turn}")).await;
        let records = at(&c, "s").answer_to(seq).await;
        assert!(text(&records).contains(&format!("hello {turn}")), "{records:?}");
        last = seq;
    }
    // One that has only just heard that another serves the session is about to let go of it.
    let one = async {
        while [&a, &b, &c].iter().map(|gateway| gateway.turns().len()).sum::<usize>() != 1 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, one).await.expect("one of them serves the session");
    let records = at(&a, "s").read(Some(0), |record| floor(record) == Some(last)).await;
    assert_eq!(records.iter().filter(|record| control::is_boundary(record)).count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_reaches_the_turn_at_another_gateway() {
    let mut nodes = Nodes::new();
    let (a, b) = (nodes.start("a").await, nodes.start("b").await);
    at(&a, "s").create(json!({"trigger": "preload"})).await.expect("created");
    let seq = at(&a, "s").say("u1", "/hang").await;
    at(&b, "s").read(None, |record| text(std::slice::from_ref(record)).contains("here")).await;
    at(&b, "s").stop().await;
    let records = at(&b, "s").read(None, |record| floor(record) >= Some(seq)).await;
    assert!(types(&records).contains(&"abort".to_owned()), "{:?}", types(&records));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_gateways_turn_is_closed_and_what_waits_is_answered() {
    let mut nodes = Nodes::new();
    let (a, b) = (nodes.start("a").await, nodes.start("b").await);
    at(&a, "s").create(json!({"trigger": "preload"})).await.expect("created");
    let seq = at(&a, "s").say("u1", "/hang").await;
    at(&b, "s").read(None, |record| text(std::slice::from_ref(record)).contains("here")).await;
    let queued = at(&b, "s").say("u2", "next").await;
    assert_eq!(a.turns().len(), 1, "it is served there");
    nodes.kill("a", &a);
    let records = at(&b, "s").read(Some(0), |record| floor(record) == Some(queued)).await;
    let first = records.iter().position(control::is_boundary).expect("a boundary");
    assert!(types(&records[..first]).contains(&"error".to_owned()), "{records:?}");
    assert_eq!(floor(&records[first]), Some(seq));
    assert!(text(&records[first..]).contains("next"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unseen_turn_of_a_killed_gateway_is_asked_for_again() {
    let mut nodes = Nodes::new();
    let (a, b) = (nodes.start("a").await, nodes.start("b").await);
    at(&a, "s").create(json!({"trigger": "preload"})).await.expect("created");
    let seq = at(&a, "s").say("u1", "/wait 300 for it").await;
    nodes.kill("a", &a);
    let records = at(&b, "s").answer_to(seq).await;
    assert!(text(&records).contains("for it"), "{records:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draining_gateway_hands_on_what_waits() {
    let mut nodes = Nodes::new();
    let (a, b) = (nodes.start("a").await, nodes.start("b").await);
    at(&a, "s").create(json!({"trigger": "preload"})).await.expect("created");
    let first = at(&a, "s").say("u1", "/wait 300 for it").await;
    let second = at(&a, "s").say("u2", "and then").await;
    a.turns().drain().await;
    let third = at(&a, "s").say("u3", "still open").await;
    let records = at(&b, "s").answer_to(third).await;
    assert!(text(&records).contains("still open"), "{records:?}");
    let floors: Vec<_> = at(&a, "s").read(Some(0), |record| floor(record) == Some(third)).await;
    let floors: Vec<_> = floors.iter().filter_map(floor).collect();
    assert_eq!(floors, [first, second, third], "each input has its own boundary, in order");
}
