//! The primary is the one that the Sentinels name.

use tidegate_store::servers::{Config, Sentinels, until};

use super::harness::{count, count_again, opened};

#[tokio::test]
async fn a_failover_is_followed() {
    let mut all = Sentinels::start(Config::new(), 1).await;
    let connection = opened(&all.url()).await;
    assert_eq!(count(&connection, "a").await, Ok(1));
    let before = connection.reign(0);
    all.servers[0].kill();
    count_again(&connection, "a").await;
    assert_ne!(connection.reign(0), before);
    assert_eq!(all.primary(), Some(1));
}

#[tokio::test]
async fn a_demoted_primary_is_left() {
    let all = Sentinels::start(Config::new(), 1).await;
    let connection = opened(&all.url()).await;
    let before = connection.reign(0);
    all.fail_over().await;
    until("the new primary serves", || {
        let now = connection.reign(0);
        now.is_some() && now != before
    })
    .await;
    count_again(&connection, "a").await;
}
