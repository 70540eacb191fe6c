//! What the tests of this folder share.

use std::sync::Arc;
use std::time::Duration;

use tidegate_core::seams::clock::SystemClock;
use tidegate_store::redis::connect::{Call, CallError, ConnectError, Connection, RedisUrl, Script};

/// Counts how often it ran, and keeps what it was given.
pub(crate) fn counting() -> Arc<Script> {
    Script::new("redis.call('APPEND', KEYS[2], ARGV[1]) return redis.call('INCR', KEYS[1])")
}

pub(crate) async fn open(url: &str) -> Result<Connection, ConnectError> {
    let url = RedisUrl::parse(url).expect("a URL");
    Connection::open(url, vec![counting()], Arc::new(SystemClock)).await
}

pub(crate) async fn opened(url: &str) -> Connection {
    open(url).await.expect("it opens")
}

pub(crate) async fn count(connection: &Connection, tag: &str) -> Result<i64, CallError> {
    let keys = [format!("n:{{{tag}}}"), format!("s:{{{tag}}}")];
    let reply = connection.run(counting().call(&keys).arg("x")).await?;
    Ok(redis::from_redis_value(reply.value).expect("a number"))
}

pub(crate) async fn get(connection: &Connection, tag: &str) -> Result<i64, CallError> {
    let reply = connection.run(Call::command("GET", format!("n:{{{tag}}}"))).await?;
    Ok(redis::from_redis_value::<Option<i64>>(reply.value).expect("a number").unwrap_or(0))
}

/// Counts until it works; gives the count, and how many tries had an outcome that is not known.
pub(crate) async fn count_again(connection: &Connection, tag: &str) -> (i64, i64) {
    let mut unknown = 0;
    let counted = async {
        loop {
            match count(connection, tag).await {
                Ok(count) => return count,
                Err(CallError::Unknown(_)) => unknown += 1,
                Err(CallError::NotDone(_) | CallError::TakenOver) => {}
                Err(CallError::Refused { code, text }) => panic!("{code} {text}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let counted = tokio::time::timeout(Duration::from_secs(60), counted).await;
    (counted.expect("within a minute"), unknown)
}
