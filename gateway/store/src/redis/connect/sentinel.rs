//! Asks Sentinels where the primary is.

use redis::{FromRedisValue, Value};

use super::dial::{Dialer, ask};
use super::error::ConnectError;
use super::live::COMMAND_TIMEOUT;
use super::url::Address;

/// The primary of `service`, from the first Sentinel that knows it.
pub(super) async fn primary(
    dialer: &Dialer,
    sentinels: &[Address],
    service: &str,
) -> Result<Address, ConnectError> {
    let mut tried = Vec::new();
    for sentinel in sentinels {
        match asked(dialer, sentinel, service).await {
            Ok(Some(address)) => return Ok(address),
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
) -> Result<Option<Address>, ConnectError> {
    let (connection, _) = dialer.dial(sentinel, |_| {}).await?;
    let mut cmd = redis::cmd("SENTINEL");
    cmd.arg("GET-MASTER-ADDR-BY-NAME").arg(service);
    let reply = ask(&connection, &cmd, COMMAND_TIMEOUT).await;
    let reply = reply.map_err(|error| dialer.explain(sentinel, &error))?;
    Ok(parse(reply))
}

fn parse(reply: Value) -> Option<Address> {
    let (host, port) = <(String, u16)>::from_redis_value(reply).ok()?;
    Some(Address { host, port })
}
