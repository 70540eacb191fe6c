//! Workers of the Rust client, and a gateway for them.

use std::time::Duration;

use tempfile::TempDir;
use tidegate_client::{Agent, AgentError, Answer, Turn, Worker, WorkerError};
use tidegate_tests::process::{Gateway, KEY};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A gateway that workers may register any agent at, beside the configured `demo`.
pub(crate) async fn gateway() -> (Gateway, TempDir) {
    let dir = TempDir::new().expect("a temporary folder");
    let agents = "[[agent]]\nid = \"demo\"\nbackend = \"demo\"\nwords_per_second = 0\n";
    (Gateway::start(dir.path(), "memory:", agents).await, dir)
}

/// A worker that runs until it is told to drain.
pub(crate) struct Running {
    drain: oneshot::Sender<()>,
    task: JoinHandle<Result<(), WorkerError>>,
}

impl Running {
    pub(crate) fn start(address: &str, version: &str, agents: Vec<Agent>) -> Self {
        let (drain, drained) = oneshot::channel();
        let mut worker = Worker::connect(&format!("http://{address}"), KEY).version(version);
        for agent in agents {
            worker = worker.agent(agent);
        }
        let task = tokio::spawn(worker.run_until(async {
            if drained.await.is_err() {
                std::future::pending::<()>().await;
            }
        }));
        Self { drain, task }
    }

    /// Drains; how the worker ended.
    pub(crate) async fn drain(self) -> Result<(), WorkerError> {
        let _ = self.drain.send(());
        self.task.await.expect("no panic")
    }

    /// As if its process were killed.
    pub(crate) fn kill(self) {
        self.task.abort();
    }

    /// How the worker ended by itself.
    pub(crate) async fn ended(self) -> Result<(), WorkerError> {
        let Self { drain, task } = self;
        let ended = task.await.expect("no panic");
        drop(drain);
        ended
    }
}

/// Says what it was told, and more on demand: `/count N MS`, `/hang`, `/fail`, `/panic`, `/bad`,
/// `/huge`, `/seen` (how many messages of the history it sees).
pub(crate) fn scripted(id: &str) -> Agent {
    Agent::new(id, |turn: Turn, answer: Answer| async move { script(&turn, &answer).await })
        .with_actions()
}

async fn script(turn: &Turn, answer: &Answer) -> Result<(), AgentError> {
    if let Some(action) = turn.action() {
        answer.text(&format!("action {action}")).await?;
        return Ok(());
    }
    let text = turn.text();
    let words: Vec<&str> = text.split(' ').collect();
    match *words.as_slice() {
        ["/count", count, pause] => {
            let pause = Duration::from_millis(pause.parse()?);
            for n in 0..count.parse::<u64>()? {
                answer.text(&format!("{n} ")).await?;
                tokio::time::sleep(pause).await;
            }
        }
        ["/hang"] => {
            answer.text("hanging").await?;
            std::future::pending::<()>().await;
        }
        ["/fail"] => return Err("no luck today".into()),
        ["/panic"] => panic!("asked to"),
        ["/bad"] => answer.chunk(serde_json::json!(["no", "chunk"])).await?,
        ["/huge"] => answer.text(&"x".repeat(2 << 20)).await?,
        ["/seen"] => answer.text(&turn.messages().len().to_string()).await?,
        _ => answer.text(&format!("You said: {text}")).await?,
    }
    Ok(())
}
