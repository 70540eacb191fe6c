//! Writes that count once replicas have them.

use futures_util::poll;
use tidegate_store::redis::connect::{Call, CallError};
use tidegate_store::servers::{Config, Redis, until};

use super::harness::opened;

async fn primary_and_replica() -> (Redis, Redis) {
    let primary = Redis::start(Config::new());
    let replica = Redis::start(Config::new().replica_of(primary.port()));
    until("in step", || {
        replica.ask::<String>(&["INFO", "replication"]).expect("up").contains("link_status:up")
    })
    .await;
    (primary, replica)
}

#[tokio::test]
async fn replicas_have_what_passed_the_barrier() {
    let (primary, replica) = primary_and_replica().await;
    let url = format!("{}?wait=1&wait_timeout_ms=5000", primary.url());
    let connection = opened(&url).await;
    assert!(connection.waits());
    for round in 0..50_i64 {
        let reply = connection.run(Call::command("SET", "k").arg(round)).await.unwrap();
        connection.barrier(&reply.served).await.unwrap();
        assert_eq!(replica.ask::<i64>(&["GET", "k"]).unwrap(), round);
    }
}

#[tokio::test]
async fn who_is_not_polled_holds_up_nobody() {
    let (primary, _replica) = primary_and_replica().await;
    let connection = opened(&format!("{}?wait=1&wait_timeout_ms=5000", primary.url())).await;
    let reply = connection.run(Call::command("SET", "k").arg(1)).await.unwrap();
    let mut first = Box::pin(connection.barrier(&reply.served));
    assert!(poll!(&mut first).is_pending());
    connection.barrier(&reply.served).await.unwrap();
    first.await.unwrap();
}

#[tokio::test]
async fn without_replicas_nothing_passes() {
    let primary = Redis::start(Config::new());
    let connection = opened(&format!("{}?wait=1&wait_timeout_ms=50", primary.url())).await;
    let reply = connection.run(Call::command("SET", "k").arg(1)).await.unwrap();
    let error = connection.barrier(&reply.served).await.unwrap_err();
    let said = matches!(&error, CallError::Unknown(text) if text.contains("0 of 1"));
    assert!(said, "{error}");
}

#[tokio::test]
async fn a_restarted_server_does_not_answer_for_the_one_before() {
    let mut primary = Redis::start(Config::new().durable());
    let connection = opened(&format!("{}?wait=1&wait_timeout_ms=50", primary.url())).await;
    let reply = connection.run(Call::command("SET", "k").arg(1)).await.unwrap();
    primary.restart();
    until("connected again", || {
        connection.reign(0).is_some_and(|reign| reign != reply.served.reign)
    })
    .await;
    let error = connection.barrier(&reply.served).await.unwrap_err();
    let said = matches!(&error, CallError::Unknown(text) if text.contains("took over"));
    assert!(said, "{error}");
}
