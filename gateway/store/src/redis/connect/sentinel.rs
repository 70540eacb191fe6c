//! Asks Sentinels where the primary is.

use std::collections::HashMap;

use redis::{FromRedisValue, Value};

use super::dial::{Dialer, ask};
use super::error::ConnectError;
use super::live::COMMAND_TIMEOUT;
use super::url::Address;

/// The primary of `service`, and under which configuration epoch it is, from the first Sentinel
/// that knows it.
pub(super) async fn primary(
    dialer: &Dialer,
    sentinels: &[Address],
    service: &str,
) -> Result<(Address, u64), ConnectError> {
    let mut tried = Vec::new();
    for sentinel in sentinels {
        match asked(dialer, sentinel, service).await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => tried.push(format!("{sentinel} does not know it")),
            Err(error) => tried.push(error.to_string()),
        }
    }
    let reason = tried.join("; ");
    Err(ConnectError::Service { service: service.to_owned(), reason })
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
