//! Reigns in their order: what a later one gives is never what an earlier one gave and lost.

use std::sync::Arc;

use parking_lot::Mutex;
use redis::{ErrorKind, FromRedisValue, RedisError};

use super::call::Script;
use super::dial::ask;
use super::info::Info;
use super::live::{COMMAND_TIMEOUT, Live};

/// What one server, or the primary of Sentinels, keeps of its reigns.
const KEY: &str = "tg:reign";
/// What a Cluster keeps: its configuration epoch when the store was new.
pub(super) const FIRST: &str = "tg:first_epoch";

/// One server's time as the primary: it is another one after a restart, a failover or a demotion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reign {
    /// What tells it from all others.
    pub id: Arc<str>,
    /// Higher than that of every reign that it follows on. One that never lost anything to another
    /// server is number 0.
    pub number: u64,
}

/// The reigns that a gateway has seen.
#[derive(Debug)]
pub(super) struct Reigns {
    script: Arc<Script>,
    last: Mutex<Option<Reign>>,
}

impl Default for Reigns {
    fn default() -> Self {
        let text = concat!("#!lua flags=allow-oom\n", include_str!("../lua/reign.lua"));
        Self { script: Script::new(text), last: Mutex::default() }
    }
}

impl Reigns {
    /// The number of the reign of `live`.
    pub(super) async fn number(&self, live: &Live, cluster: bool) -> Result<u64, RedisError> {
        if cluster {
            return config_epoch(live).await;
        }
        let last = self.last.lock().clone();
        let number = match self.noted(live, last.as_ref()).await {
            Ok(number) => number,
            // It takes no writes at the moment, and may be read all the same.
            Err(error) if matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension) => {
                last.map_or(0, |last| last.number + u64::from(last.id != live.reign))
            }
            Err(error) => return Err(error),
        };
        *self.last.lock() = Some(Reign { id: Arc::clone(&live.reign), number });
        Ok(number)
    }

    async fn noted(&self, live: &Live, last: Option<&Reign>) -> Result<u64, RedisError> {
        ask(&live.connection, &self.script.load(), COMMAND_TIMEOUT).await?;
        let call = self.script.call(&[KEY]).arg(&*live.reign);
        let call = match last {
            Some(last) => call.arg(&*last.id).arg(last.number),
            None => call.arg("").arg(-1),
        };
        Ok(u64::from_redis_value(ask(&live.connection, call.cmd(), COMMAND_TIMEOUT).await?)?)
    }
}

/// A Cluster numbers its failovers itself.
async fn config_epoch(live: &Live) -> Result<u64, RedisError> {
    let mut cmd = redis::cmd("CLUSTER");
    cmd.arg("INFO");
    let info = Info::parse(&ask(&live.connection, &cmd, COMMAND_TIMEOUT).await?);
    info.get("cluster_my_epoch").parse().map_err(|_| {
        RedisError::from((ErrorKind::Client, "the server does not say its configuration epoch"))
    })
}
