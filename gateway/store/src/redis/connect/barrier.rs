//! `WAIT`: writes that count only once replicas have them.
//!
//! `WAIT` blocks its connection, so it has one of its own. There it follows a small write:
//! replication is one stream, so a replica that has that write has all that the server answered
//! before it. One round covers everybody who came before it began. Rounds are run by a task of
//! their own: a caller that is not polled for a while must not hold up the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{FromRedisValue, RedisError, Value};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout_at};

use super::call::Served;
use super::live::{COMMAND_TIMEOUT, Live};
use super::node::Shared;
use super::slot::slot_of;
use super::url::Wait;

/// The rounds of one primary.
#[derive(Debug)]
pub(super) struct Barrier {
    asked: Notify,
    /// A slot that the primary serves.
    slot: AtomicU16,
    rounds: watch::Sender<Rounds>,
}

#[derive(Debug, Default)]
struct Rounds {
    begun: u64,
    /// The last one that is over, under which reign, and what came of it.
    over: u64,
    reign: Option<Arc<str>>,
    result: Option<Result<(), Missed>>,
}

/// Why nobody knows that replicas have it.
#[derive(Clone, Debug)]
enum Missed {
    /// There was no answer; another round may bring one.
    Unheard(String),
    Final(String),
}

/// A connection to wait on, and the key that is written there.
type Line = (Live, String);

/// Pause before another round.
const AGAIN: Duration = Duration::from_millis(10);

impl Barrier {
    pub(super) fn new() -> Self {
        Self {
            asked: Notify::new(),
            slot: AtomicU16::new(0),
            rounds: watch::Sender::new(Rounds::default()),
        }
    }

    /// Waits for a round that begins after this call; for another one if there was no answer, as
    /// long as one would wait for replicas.
    pub(super) async fn pass(&self, served: &Served, wait: Wait) -> Result<(), String> {
        let deadline = Instant::now() + wait.timeout;
        loop {
            match self.round(served, wait).await {
                Ok(()) => return Ok(()),
                Err(Missed::Unheard(_)) if Instant::now() < deadline => sleep(AGAIN).await,
                Err(Missed::Unheard(why) | Missed::Final(why)) => return Err(why),
            }
        }
    }

    async fn round(&self, served: &Served, wait: Wait) -> Result<(), Missed> {
        let mut rounds = self.rounds.subscribe();
        let needed = rounds.borrow().begun + 1;
        self.slot.store(served.slot, Ordering::Relaxed);
        self.asked.notify_one();
        // Of a round that runs, and of the one that is needed.
        let limit = Instant::now() + 2 * (wait.timeout + COMMAND_TIMEOUT);
        let over = timeout_at(limit, rounds.wait_for(|rounds| rounds.over >= needed)).await;
        let Ok(Ok(rounds)) = over else {
            return Err(Missed::Final("the server does not answer".to_owned()));
        };
        // What a server had before it was restarted or demoted is not covered by what it has now.
        if rounds.reign.as_ref().is_some_and(|reign| *reign != served.reign.id) {
            let text = "another server took over before replicas were known to have it";
            return Err(Missed::Final(text.to_owned()));
        }
        rounds.result.clone().expect("a round that is over has a result")
    }
}

impl Shared {
    /// Runs rounds as they are asked for.
    pub(super) async fn keep_waiting(self: Arc<Self>, wait: Wait) {
        let mut line = None;
        loop {
            self.barrier.asked.notified().await;
            let mut round = 0;
            self.barrier.rounds.send_modify(|rounds| {
                rounds.begun += 1;
                round = rounds.begun;
            });
            let (reign, result) = match self.line(line.take(), wait).await {
                Ok(ready) => {
                    let result = run(&ready, wait).await;
                    let reign = Arc::clone(&ready.0.reign);
                    line = Some(ready).filter(|_| !matches!(result, Err(Missed::Unheard(_))));
                    (Some(reign), result)
                }
                Err(why) => (None, Err(Missed::Unheard(why))),
            };
            self.barrier.rounds.send_modify(|rounds| {
                (rounds.over, rounds.reign, rounds.result) = (round, reign, Some(result));
            });
        }
    }

    /// A connection to the primary as it is now: that one, or a new one.
    async fn line(&self, line: Option<Line>, wait: Wait) -> Result<Line, String> {
        let up = self.up(Instant::now() + wait.timeout).await.map_err(|why| why.to_string())?;
        let usable = |(live, _): &Line| live.reign == up.reign && !live.ended.is_raised();
        if let Some(line) = line.filter(usable) {
            return Ok(line);
        }
        let live = Live::open(&self.maker.dialer, &up.address, self.maker.wanted, &[]).await;
        Ok((
            live.map_err(|error| error.to_string())?,
            key_in(self.barrier.slot.load(Ordering::Relaxed)),
        ))
    }
}

async fn run((live, key): &Line, wait: Wait) -> Result<(), Missed> {
    let timeout = u64::try_from(wait.timeout.as_millis()).unwrap_or(u64::MAX);
    let mut pipe = redis::pipe();
    pipe.cmd("EVAL").arg(WRITE).arg(1).arg(key).arg(KEY_MS);
    pipe.cmd("WAIT").arg(wait.replicas).arg(timeout);
    let limit = wait.timeout + COMMAND_TIMEOUT;
    let unheard = |error: RedisError| Missed::Unheard(error.to_string());
    let replies = replies(live, &pipe, limit).await.map_err(unheard)?;
    let count = replies.into_iter().next_back().unwrap_or(Value::Nil);
    let count = u32::from_redis_value(count).map_err(|error| unheard(error.into()))?;
    if count >= wait.replicas {
        return Ok(());
    }
    Err(Missed::Final(format!("{count} of {} replicas have it", wait.replicas)))
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

/// A write, also where memory is full: it is small, and goes soon.
const WRITE: &str = "#!lua flags=allow-oom\nredis.call('SET', KEYS[1], '', 'PX', ARGV[1])";
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
