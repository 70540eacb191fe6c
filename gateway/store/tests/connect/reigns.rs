//! Who is the primary, and for how long.

use tidegate_store::redis::connect::{Call, CallError};
use tidegate_store::servers::{Cluster, Config, Redis, Sentinels, until};

use super::harness::opened;

#[tokio::test]
async fn a_call_for_one_reign_is_not_sent_to_another() {
    let mut server = Redis::start(Config::new().durable());
    let connection = opened(&server.url()).await;
    let reign = connection.reign(0).expect("connected");
    assert_eq!(connection.reigns_before(&reign), 0);
    let set = |value: i64| Call::command("SET", "k").arg(value);
    connection.run(set(1).under(&reign)).await.expect("its reign");
    server.restart();
    until("another reigns", || connection.reign(0).is_some_and(|now| now != reign)).await;
    let refused = connection.run(set(2).under(&reign)).await;
    assert!(matches!(refused, Err(CallError::TakenOver)), "{refused:?}");
    assert_eq!(server.ask::<i64>(&["GET", "k"]).expect("up"), 1);
}

#[tokio::test]
async fn reigns_are_numbered_though_the_server_forgets() {
    let mut server = Redis::start(Config::new());
    let (one, two) = (opened(&server.url()).await, opened(&server.url()).await);
    for number in 1..4 {
        server.restart();
        for connection in [&one, &two] {
            let reached =
                || connection.reign(0).is_some_and(|now| connection.reigns_before(&now) == number);
            until("numbered", reached).await;
        }
    }
    let new = opened(&server.url()).await;
    assert_eq!(new.reign(0), one.reign(0));
}

#[tokio::test]
async fn a_failover_by_sentinels_is_another_reign() {
    let sentinels = Sentinels::start(Config::new(), 1).await;
    let connection = opened(&sentinels.url()).await;
    let before = connection.reign(0).expect("connected");
    sentinels.fail_over().await;
    let higher = || connection.reign(0).is_some_and(|now| now.number > before.number);
    until("a higher number", higher).await;
}

#[tokio::test]
async fn a_cluster_counts_from_the_beginning_of_the_store() {
    let cluster = Cluster::start(Config::new(), true).await;
    let connection = opened(&cluster.url()).await;
    for slot in [0, 8_000, 16_000] {
        connection.run(Call::at(slot, "PING")).await.expect("up");
        let reign = connection.reign(slot).expect("connected");
        assert_eq!(connection.reigns_before(&reign), 0);
    }
    cluster.fail_over(cluster.server_of(0)).await;
    let risen = || connection.reign(0).is_some_and(|now| connection.reigns_before(&now) > 0);
    until("a higher number", risen).await;
}
