//! `WAIT`: writes that count only once replicas have them.
//!
//! `WAIT` blocks its connection, so it has one of its own. There it follows a small write:
//! replication is one stream, so a replica that has that write has all that the server answered
//! before it. One round covers everybody who came before it began.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{FromRedisValue, RedisError, Value};
use tokio::sync::Mutex;

use super::call::Served;
use super::dial::Dialer;
use super::live::{COMMAND_TIMEOUT, Live, Wanted};
use super::slot::slot_of;
use super::url::{Address, Wait};

/// The rounds of one primary.
#[derive(Debug, Default)]
pub(super) struct Barrier {
    begun: AtomicU64,
    last: Mutex<Last>,
}

#[derive(Debug, Default)]
struct Last {
    round: u64,
    result: Option<Result<(), String>>,
    line: Option<(Live, String)>,
}

impl Barrier {
    /// Waits for a round that begins after this call.
    pub(super) async fn pass(
        &self,
        (dialer, address, wanted): (&Dialer, &Address, Wanted),
        served: &Served,
        wait: Wait,
    ) -> Result<(), String> {
        let needed = self.begun.load(Ordering::Acquire) + 1;
        let mut last = self.last.lock().await;
        if let Some(result) = last.result.clone().filter(|_| last.round >= needed) {
            return same_reign(&last, served).and(result);
        }
        let round = self.begun.fetch_add(1, Ordering::AcqRel) + 1;
        let line = match last.line.take().filter(|(live, _)| !live.ended.is_raised()) {
            Some(line) => line,
            None => {
                let opened = Live::open(dialer, address, wanted, &[]).await;
                (opened.map_err(|error| error.to_string())?, key_in(served.slot))
            }
        };
        let result = run(&line, wait).await;
        let keep = result.is_ok();
        last.round = round;
        last.result = Some(result.clone());
        last.line = Some(line);
        let result = same_reign(&last, served).and(result);
        if !keep {
            last.line = None;
        }
        result
    }
}

/// What a server had before it was restarted or demoted is not covered by what it has now.
fn same_reign(last: &Last, served: &Served) -> Result<(), String> {
    match &last.line {
        Some((live, _)) if live.reign == served.reign => Ok(()),
        Some(_) => Err("another server took over before replicas were known to have it".into()),
        None => Err("the connection to wait on was lost".into()),
    }
}

async fn run((live, key): &(Live, String), wait: Wait) -> Result<(), String> {
    let timeout = u64::try_from(wait.timeout.as_millis()).unwrap_or(u64::MAX);
    let mut pipe = redis::pipe();
    pipe.cmd("SET").arg(key).arg("").arg("PX").arg(KEY_MS);
    pipe.cmd("WAIT").arg(wait.replicas).arg(timeout);
    let limit = wait.timeout + COMMAND_TIMEOUT;
    let replies = replies(live, &pipe, limit).await.map_err(|error| error.to_string())?;
    let count = replies.into_iter().next_back().unwrap_or(Value::Nil);
    let count = u32::from_redis_value(count).map_err(|error| error.to_string())?;
    if count >= wait.replicas {
        return Ok(());
    }
    Err(format!("{count} of {} replicas have it", wait.replicas))
}

async fn replies(
    live: &Live,
    pipe: &redis::Pipeline,
    limit: Duration,
) -> Result<Vec<Value>, RedisError> {
    let mut connection = live.connection.clone();
    match tokio::time::timeout(limit, connection.req_packed_commands(pipe, 0, 2)).await {
        Ok(replies) => replies?.into_iter().map(Value::extract_error).collect(),
        Err(_) => Err(RedisError::from((redis::ErrorKind::Io, "the server does not answer"))),
    }
}

/// How long the key of a round stays.
const KEY_MS: u64 = 60_000;

/// A key that is in `slot`, so that the write goes to the primary that is meant.
fn key_in(slot: u16) -> String {
    let keys = (0_u32..).map(|n| format!("tidegate:wait:{{{n}}}"));
    keys.into_iter().find(|key| slot_of(key.as_bytes()) == slot).expect("every slot has keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_a_key() {
        for slot in [0, 1, 8_191, 16_383] {
            assert_eq!(slot_of(key_in(slot).as_bytes()), slot);
        }
    }
}
