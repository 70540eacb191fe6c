//! Asks Sentinels where the primary is.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use redis::{FromRedisValue, Value};
use tokio::time::{Instant, timeout_at};

use super::dial::{Dialer, ask};
use super::error::ConnectError;
use super::live::COMMAND_TIMEOUT;
use super::url::Address;

/// How long others are waited for once one Sentinel has answered.
const GRACE: Duration = Duration::from_millis(50);

/// The primary of `service`, and under which configuration epoch it is, from the Sentinel that
/// knows the newest: some hear of a failover later, and the old primary may still be there.
pub(super) async fn primary(
    dialer: &Dialer,
    sentinels: &[Address],
    service: &str,
) -> Result<(Address, u64), ConnectError> {
    let ask = async |sentinel| (sentinel, asked(dialer, sentinel, service).await);
    let mut answers: FuturesUnordered<_> = sentinels.iter().map(ask).collect();
    let (mut newest, mut tried, mut limit) = (None::<(Address, u64)>, Vec::new(), None);
    loop {
        let answer = match limit {
            None => answers.next().await,
            Some(limit) => timeout_at(limit, answers.next()).await.unwrap_or_default(),
        };
        match answer {
            Some((_, Ok(Some(found)))) => {
                limit.get_or_insert_with(|| Instant::now() + GRACE);
                newest = match newest {
                    Some(newest) if newest.1 >= found.1 => Some(newest),
                    _ => Some(found),
                };
            }
            Some((sentinel, Ok(None))) => tried.push(format!("{sentinel} does not know it")),
            Some((_, Err(error))) => tried.push(error.to_string()),
            None => break,
        }
    }
    let reason = tried.join("; ");
    newest.ok_or_else(|| ConnectError::Service { service: service.to_owned(), reason })
}

async fn asked(
    dialer: &Dialer,
    sentinel: &Address,
    service: &str,
) -> Result<Option<(Address, u64)>, ConnectError> {
    let (connection, _) = dialer.dial(sentinel, |_| {}).await?;
    let question = async |name: &str| {
        let mut cmd = redis::cmd("SENTINEL");
        cmd.arg(name).arg(service);
        let reply = ask(&connection, &cmd, COMMAND_TIMEOUT).await;
        reply.map_err(|error| dialer.explain(sentinel, &error))
    };
    let before = epoch(question("MASTER").await?);
    let address = address(question("GET-MASTER-ADDR-BY-NAME").await?);
    let after = epoch(question("MASTER").await?);
    // In the moment of a failover the one may be old and the other new.
    Ok(address.zip(after.filter(|_| before == after)))
}

fn address(reply: Value) -> Option<Address> {
    let (host, port) = <(String, u16)>::from_redis_value(reply).ok()?;
    Some(Address { host, port })
}

fn epoch(reply: Value) -> Option<u64> {
    let fields = HashMap::<String, String>::from_redis_value(reply).ok()?;
    fields.get("config-epoch")?.parse().ok()
}
