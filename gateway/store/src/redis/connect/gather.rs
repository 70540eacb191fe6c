//! Calls of all callers, put together into few writes: under load, many calls share one wake of
//! the server, one read of its socket, and one wake of the gateway.

use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, Pipeline, RedisError, Value};
use tidegate_protocol::limits::{REDIS_IN_FLIGHT_MAX, REDIS_WRITE_INTERVAL_MS};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinSet, unconstrained};
use tokio::time::{Instant, sleep_until, timeout};

use super::live::COMMAND_TIMEOUT;

/// What a server says to a command.
type Answer = Result<Value, RedisError>;

struct Asked {
    cmd: Cmd,
    /// Dropped where the server does not answer.
    answer: oneshot::Sender<Answer>,
}

/// The way to one connection.
#[derive(Debug)]
pub(super) struct Gather {
    queue: mpsc::Sender<Asked>,
    /// Ends with it.
    _task: JoinSet<()>,
}

/// Only what follows a write so soon waits: who is alone is not delayed.
const INTERVAL: Duration = Duration::from_millis(REDIS_WRITE_INTERVAL_MS);
/// Commands whose answers are taken together; the first one waits for the last.
const TOGETHER: usize = 32;

impl Gather {
    pub(super) fn new(connection: MultiplexedConnection) -> Self {
        let (queue, asked) = mpsc::channel(REDIS_IN_FLIGHT_MAX);
        let mut task = JoinSet::new();
        task.spawn(write(connection, asked));
        Self { queue, _task: task }
    }

    /// The server's answer; `None` if there is none in time. Calls go out in the order in which
    /// they were polled first.
    pub(super) async fn ask(&self, cmd: Cmd) -> Option<Answer> {
        let (answer, answered) = oneshot::channel();
        // There is room: the gate lets no more through. Sending would count as work, and who has
        // done much of it is made to wait, and overtaken.
        self.queue.try_send(Asked { cmd, answer }).ok()?;
        answered.await.ok()
    }
}

async fn write(connection: MultiplexedConnection, mut queue: mpsc::Receiver<Asked>) {
    let mut answers = FuturesUnordered::new();
    let mut batch = Vec::new();
    let mut next = Instant::now();
    loop {
        tokio::select! {
            biased;
            Some(()) = answers.next() => continue,
            () = sleep_until(next), if !batch.is_empty() => {}
            count = queue.recv_many(&mut batch, TOGETHER), if batch.is_empty() => {
                if count == 0 {
                    return;
                }
                if Instant::now() < next {
                    continue;
                }
            }
        }
        while let Ok(asked) = queue.try_recv() {
            batch.push(asked);
        }
        next = Instant::now() + INTERVAL;
        while !batch.is_empty() {
            let together = batch.drain(..batch.len().min(TOGETHER)).collect();
            // Not interrupted for having done much work, so that batches keep their order, too.
            answers.push(unconstrained(ask(connection.clone(), together)));
        }
    }
}

/// Hands them to the connection, and on its way out of it, the answers to whoever asked.
async fn ask(mut connection: MultiplexedConnection, batch: Vec<Asked>) {
    let mut pipe = Pipeline::with_capacity(batch.len());
    let mut answers = Vec::with_capacity(batch.len());
    for asked in batch {
        pipe.add_command(asked.cmd);
        answers.push(asked.answer);
    }
    let replies = connection.req_packed_commands(&pipe, 0, answers.len());
    let Ok(Ok(replies)) = timeout(COMMAND_TIMEOUT, replies).await else { return };
    for (answer, reply) in answers.into_iter().zip(replies) {
        // Whoever asked may be gone.
        let _ = answer.send(reply.extract_error());
    }
}
