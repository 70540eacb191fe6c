//! A linked worker's turn under a drain.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tidegate_client::{Agent, AgentError, Answer, Turn, Worker};
use tidegate_protocol::Record;
use tidegate_tests::process::KEY;

use crate::chat::{ask, ended, follow, gateway, text, until};

const WORDS: usize = 60;

/// R-DRN-5, R-DRN-6: its turn is finished, by it, and it serves the next gateway.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_finishes_its_turn_and_serves_the_successor() {
    let dir = tempfile::tempdir().expect("a folder");
    let drain = "timeout = \"60s\"\ndelay = \"0s\"\nspread = \"200ms\"";
    let mut gateway = gateway(dir.path(), "memory:", drain).await;
    let agent = Agent::new("linked", |_: Turn, answer: Answer| async move {
        for _ in 0..WORDS {
            answer.text("word ").await?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok::<_, AgentError>(())
    });
    let worker = Worker::connect(&format!("http://{}", gateway.address), KEY).agent(agent);
    let worker = tokio::spawn(worker.run_until(std::future::pending()));
    let client = gateway.client();
    asked_when_known(&client, "first").await;
    let progress = Arc::new(AtomicUsize::new(0));
    let reader = tokio::spawn({
        let (client, progress) = (client.clone(), Arc::clone(&progress));
        async move {
            let mut log = Vec::new();
            let done = |log: &[Record]| {
                progress.store(log.len(), SeqCst);
                ended(log)
            };
            (follow(&client, "first", &mut log, done).await.expect("never cut"), log)
        }
    });
    until(&progress, 5).await;
    gateway.signal("-TERM");
    let (whole, log) = reader.await.expect("it read");
    assert_eq!((whole, text(&log).matches("word").count()), (true, WORDS));
    assert_eq!(gateway.ended().await.code(), Some(0));
    gateway.restart().await;
    asked_when_known(&client, "second").await;
    let mut log = Vec::new();
    assert!(follow(&client, "second", &mut log, ended).await.expect("up"));
    assert_eq!(text(&log).matches("word").count(), WORDS);
    worker.abort();
}

/// Workers come when they come; until then nobody knows their agent.
async fn asked_when_known(client: &tidegate_tests::client::Client, name: &str) {
    let known = async || {
        let agents = client.get("/v1/agents").await.expect("up").json();
        agents["agents"].as_array().expect("a list").iter().any(|agent| agent["id"] == "linked")
    };
    while !known().await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    ask(client, "linked", name, "go").await;
}
