//! A connection to a primary that passed the checks, with the scripts loaded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError};
use tidegate_protocol::limits::REDIS_COMMAND_TIMEOUT_MS;

use super::call::Script;
use super::dial::{Dialer, Ended, ask};
use super::error::ConnectError;
use super::gather::Gather;
use super::info::Info;
use super::reign::Reign;
use super::url::Address;

/// What a server must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) cluster: bool,
}

/// A usable connection.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) connection: MultiplexedConnection,
    /// For calls; what is about the connection itself goes around it.
    pub(super) gather: Gather,
    pub(super) ended: Arc<Ended>,
    pub(super) address: Address,
    /// See [`Info::reign`].
    pub(super) reign: Arc<str>,
    /// See [`Reign::number`]; 0 where nobody asked for it.
    pub(super) number: AtomicU64,
}

pub(super) const COMMAND_TIMEOUT: Duration = Duration::from_millis(REDIS_COMMAND_TIMEOUT_MS);

impl Live {
    /// Connects to a primary.
    pub(super) async fn open(
        dialer: &Dialer,
        address: &Address,
        wanted: Wanted,
        scripts: &[Arc<Script>],
    ) -> Result<Self, ConnectError> {
        let (connection, ended) = dialer.dial(address, |_| {}).await?;
        let failed = |error: RedisError| dialer.explain(address, &error);
        let info = info(&connection).await.map_err(failed)?;
        check(&info, address, wanted)?;
        for script in scripts {
            ask(&connection, &script.load(), COMMAND_TIMEOUT).await.map_err(failed)?;
        }
        Ok(Self {
            gather: Gather::new(connection.clone()),
            connection,
            ended,
            address: address.clone(),
            reign: info.reign(),
            number: AtomicU64::new(0),
        })
    }

    pub(super) fn reign(&self) -> Reign {
        Reign { id: Arc::clone(&self.reign), number: self.number.load(Ordering::Acquire) }
    }

    /// Whether that is its reign now.
    pub(super) fn is_under(&self, reign: &Reign) -> bool {
        self.reign == reign.id && self.number.load(Ordering::Acquire) == reign.number
    }

    /// Whether it still answers, and is still the primary that it was.
    pub(super) async fn still_is(&self) -> Result<(), RedisError> {
        let info = info(&self.connection).await?;
        if info.get("role") != "master" || info.reign() != self.reign {
            let text = "the server is not the primary that it was";
            return Err(RedisError::from((ErrorKind::Client, text)));
        }
        if info.evicts() {
            // What it throws away is not missed by anybody until it is read.
            return Err(RedisError::from((ErrorKind::Client, "the server may evict keys by now")));
        }
        Ok(())
    }
}

async fn info(connection: &MultiplexedConnection) -> Result<Info, RedisError> {
    let mut cmd = redis::cmd("INFO");
    cmd.arg(&["server", "replication", "memory"]);
    Ok(Info::parse(&ask(connection, &cmd, COMMAND_TIMEOUT).await?))
}

fn check(info: &Info, address: &Address, wanted: Wanted) -> Result<(), ConnectError> {
    let server = address.to_string();
    if info.major() < 7 {
        let version = info.get("redis_version").to_owned();
        return Err(ConnectError::Version { server, version });
    }
    let mode = if wanted.cluster { "cluster" } else { "standalone" };
    if info.mode() != mode {
        let found = info.mode().to_owned();
        return Err(ConnectError::Mode { server, found, wanted: mode });
    }
    if info.get("role") != "master" {
        return Err(ConnectError::Replica { server });
    }
    if info.evicts() {
        let policy = info.get("maxmemory_policy").to_owned();
        return Err(ConnectError::Eviction { server, policy });
    }
    Ok(())
}
