//! Slots that move, and primaries that die.

use tidegate_store::redis::connect::{Call, CallError, slot_of};
use tidegate_store::servers::{Cluster, Config};

use super::harness::{count, count_again, opened};

#[tokio::test]
async fn every_slot_is_served_and_may_move() {
    let cluster = Cluster::start(Config::new(), false).await;
    let connection = opened(&cluster.url()).await;
    let tags: Vec<String> = (0..30).map(|n| n.to_string()).collect();
    for tag in &tags {
        assert_eq!(count(&connection, tag).await, Ok(1));
    }
    let slot = slot_of(b"7");
    let from = cluster.server_of(slot);
    let before = connection.reign(slot).expect("connected");
    cluster.move_slot(slot, (from + 1) % 3);
    assert_eq!(count(&connection, "7").await, Ok(2));
    assert_ne!(connection.reign(slot).expect("connected"), before);
}

#[tokio::test]
async fn a_slot_on_the_move_is_asked_for_at_its_new_place() {
    let cluster = Cluster::start(Config::new(), false).await;
    let connection = opened(&cluster.url()).await;
    let slot = slot_of(b"7");
    let to = (cluster.server_of(slot) + 1) % 3;
    cluster.begin_move(slot, to);
    // The key is not there, so the old place sends every call on.
    for wanted in 1..=3 {
        let reply = connection.run(Call::command("INCR", "{7}")).await.unwrap();
        assert_eq!(reply.value, redis::Value::Int(wanted));
    }
    // Several keys that are not there yet have to wait for the end of the move.
    let error = count(&connection, "7").await.unwrap_err();
    assert!(matches!(error, CallError::NotDone(_)), "{error}");
    cluster.move_slot(slot, to);
    assert_eq!(count(&connection, "7").await, Ok(1));
}

#[tokio::test]
async fn a_planned_failover_is_followed() {
    let cluster = Cluster::start(Config::new(), true).await;
    let connection = opened(&cluster.url()).await;
    let slot = slot_of(b"7");
    let primary = cluster.server_of(slot);
    assert_eq!(count(&connection, "7").await, Ok(1));
    cluster.fail_over(primary).await;
    let (count, unknown) = count_again(&connection, "7").await;
    assert!((2..=2 + unknown).contains(&count), "{count} {unknown}");
}

#[tokio::test]
async fn a_killed_primary_is_replaced() {
    let mut cluster = Cluster::start(Config::new(), true).await;
    let connection = opened(&cluster.url()).await;
    let slot = slot_of(b"7");
    let primary = cluster.server_of(slot);
    assert_eq!(count(&connection, "7").await, Ok(1));
    cluster.servers[primary].kill();
    count_again(&connection, "7").await;
}
