//! Reigns in their order: what a later one gives is never what an earlier one gave and lost.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;
use redis::{ErrorKind, FromRedisValue, RedisError};

use super::call::Script;
use super::dial::ask;
use super::info::Info;
use super::live::{COMMAND_TIMEOUT, Live};
use super::url::Address;

/// Number of the last reign over a store that is not in a Cluster.
const KEY: &str = "tg:reign";
/// What a Cluster keeps: the number that a reign had when the store was new.
pub(super) const FIRST: &str = "tg:first_reign";

/// Reigns for which there is a number between two failovers. Whoever decides on failovers numbers
/// them, and two primaries at once, of which one will be lost, have different numbers. Restarts
/// come in between.
pub(super) const BETWEEN: u64 = 64;

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
    /// The last one; in a Cluster, of each server.
    last: Mutex<HashMap<Option<Address>, Reign>>,
}

impl Default for Reigns {
    fn default() -> Self {
        let text = concat!("#!lua flags=allow-oom\n", include_str!("../lua/reign.lua"));
        Self { script: Script::new(text), last: Mutex::default() }
    }
}

impl Reigns {
    /// The number of the reign of `live`; `epoch` is that of the Sentinels' configuration.
    pub(super) async fn number(
        &self,
        live: &Live,
        epoch: Option<u64>,
        cluster: bool,
    ) -> Result<u64, RedisError> {
        let epoch = if cluster { Some(cluster_epoch(live).await?) } else { epoch };
        let least = epoch.unwrap_or(0).saturating_mul(BETWEEN);
        let place = cluster.then(|| live.address.clone());
        let last = self.last.lock().get(&place).cloned();
        let number = if cluster {
            next(last.as_ref(), live, least)
        } else {
            match self.noted(live, last.as_ref(), least).await {
                Ok(number) => number,
                // It takes no writes at the moment, and may be read all the same.
                Err(error) if is_refusal(&error) => {
                    next(last.as_ref(), live, least).max(stored(live).await?)
                }
                Err(error) => return Err(error),
            }
        };
        let reign = Reign { id: Arc::clone(&live.reign), number };
        self.last.lock().insert(place, reign);
        Ok(number)
    }

    /// Looks whether the Cluster gave `live` another number: it does when a slot comes to it.
    pub(super) async fn rise(&self, live: &Live) -> Result<(), RedisError> {
        let number = cluster_epoch(live).await?.saturating_mul(BETWEEN);
        if live.number.fetch_max(number, Ordering::AcqRel) < number {
            self.last.lock().insert(Some(live.address.clone()), live.reign());
        }
        Ok(())
    }

    async fn noted(
        &self,
        live: &Live,
        last: Option<&Reign>,
        least: u64,
    ) -> Result<u64, RedisError> {
        ask(&live.connection, &self.script.load(), COMMAND_TIMEOUT).await?;
        let call = self.script.call(&[KEY]).arg(&*live.reign).arg(least);
        let call = match last {
            Some(last) => call.arg(&*last.id).arg(last.number),
            None => call.arg("").arg(-1),
        };
        Ok(u64::from_redis_value(ask(&live.connection, call.cmd(), COMMAND_TIMEOUT).await?)?)
    }
}

/// The number of the reign of `live` by what the server has kept.
async fn stored(live: &Live) -> Result<u64, RedisError> {
    let mut cmd = redis::cmd("HMGET");
    cmd.arg(KEY).arg("id").arg("number");
    let kept = ask(&live.connection, &cmd, COMMAND_TIMEOUT).await?;
    let (id, number) = <(Option<String>, Option<u64>)>::from_redis_value(kept)?;
    let number = number.unwrap_or(0);
    Ok(number + u64::from(id.is_some_and(|id| id != *live.reign)))
}

/// The number of the reign of `live` by what this gateway knows.
fn next(last: Option<&Reign>, live: &Live, least: u64) -> u64 {
    let after = last.map_or(0, |last| last.number + u64::from(last.id != live.reign));
    after.max(least)
}

fn is_refusal(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension)
}

async fn cluster_epoch(live: &Live) -> Result<u64, RedisError> {
    let mut cmd = redis::cmd("CLUSTER");
    cmd.arg("INFO");
    let info = Info::parse(&ask(&live.connection, &cmd, COMMAND_TIMEOUT).await?);
    info.get("cluster_my_epoch").parse().map_err(|_| {
        RedisError::from((ErrorKind::Client, "the server does not say its configuration epoch"))
    })
}
