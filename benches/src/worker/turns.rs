//! Mode `turns`, as people write it.

use std::io;

use tidegate_client::{Agent, AnswerError, Turn, Worker};
use tidegate_protocol::limits::WORKER_CAPACITY_MAX;
use tokio::task::consume_budget;

use super::words::{count, word};
use crate::net::KEY;
use crate::target::AGENT;

/// Until the process is killed.
pub(super) async fn serve(address: &str) -> io::Result<()> {
    let agent = Agent::new(AGENT, async |turn: Turn, answer| {
        let count = count(&turn.text());
        for number in 1..=count {
            answer.text(&word(number, count)).await?;
            // One long answer must not keep the thread from writing it.
            consume_budget().await;
        }
        Ok::<(), AnswerError>(())
    });
    let worker = Worker::connect(&format!("http://{address}"), KEY).agent(agent);
    worker.capacity(WORKER_CAPACITY_MAX).run().await.map_err(io::Error::other)
}
