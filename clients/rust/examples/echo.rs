//! An agent that repeats what it is told: `cargo run -p tidegate-client --example echo`.

use tidegate_client::{Agent, Answer, Turn, Worker, WorkerError};

#[tokio::main]
async fn main() -> Result<(), WorkerError> {
    let url = std::env::var("TIDEGATE_URL").unwrap_or("http://127.0.0.1:8787".into());
    let key = std::env::var("TIDEGATE_KEY").expect("TIDEGATE_KEY is set");
    let echo = Agent::new("echo", async |turn: Turn, answer: Answer| {
        answer.text("You said: ").await?;
        answer.text(&turn.text()).await
    });
    Worker::connect(&url, &key).agent(echo).capacity(100).run().await
}
