//! Mode `turns`, with the Rust client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tidegate_client::{Agent, AgentError, Answer, Turn, Worker, WorkerError};

use super::script::{Script, Word};

/// Serves `agent` until it is killed.
pub async fn serve(
    url: &str,
    key: &str,
    agent: &str,
    version: &str,
    tag: &str,
    capacity: usize,
) -> Result<(), WorkerError> {
    let (tag, answers): (Arc<str>, _) = (tag.into(), Arc::new(AtomicU64::new(0)));
    let agent = Agent::new(agent, move |turn: Turn, answer: Answer| {
        let number = answers.fetch_add(1, Ordering::Relaxed);
        say(Arc::clone(&tag), number, turn, answer)
    });
    Worker::connect(url, key).agent(agent).version(version).capacity(capacity).run().await
}

async fn say(tag: Arc<str>, number: u64, turn: Turn, answer: Answer) -> Result<(), AgentError> {
    let script = Script::parse(&turn.text()).ok_or("what was that?")?;
    let message = turn.messages().last().and_then(|message| message["id"].as_str());
    let message = message.ok_or("the message has no id")?;
    for index in 0..script.count() {
        tokio::time::sleep(Duration::from_millis(script.pause_ms())).await;
        let (worker, message) = (tag.to_string(), message.to_owned());
        let word = Word { worker, answer: number, message, index, after: None };
        answer.text(&word.to_text()).await?;
    }
    Ok(())
}
