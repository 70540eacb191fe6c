//! A worker that is linked to a gateway of this process, without a socket.

use std::sync::Arc;

use serde_json::json;
use serde_json::value::to_raw_value;
use tidegate_core::Gateway;
use tidegate_core::workers::LinkEvent;
use tidegate_protocol::link::{
    AgentSpec, Done, GatewayFrame, Hello, Mode, Out, TurnFrame, WorkerFrame,
};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

/// Answers turns with its own name and what was asked, until it is dropped.
pub(crate) struct Worker {
    task: JoinHandle<()>,
}

impl Worker {
    /// A worker of agent `linked`; `/hold` is answered when `release` says so.
    pub(crate) fn link(
        gateway: &Gateway,
        name: &str,
        version: &str,
        capacity: usize,
        release: &Arc<Notify>,
    ) -> Self {
        let principal = gateway.access().authenticate("tr_dev_root").expect("the key");
        let mut link = gateway.open_link(&principal).expect("not draining");
        let spec =
            AgentSpec { version: version.to_owned(), ..AgentSpec::new("linked", Mode::Turns) };
        let worker = name.to_owned();
        let hello = Hello { worker, epoch: 1, capacity, agents: vec![spec], work: Vec::new() };
        let (name, release) = (name.to_owned(), Arc::clone(release));
        let task = tokio::spawn(async move {
            link.receive(WorkerFrame::Hello(hello), 0).await;
            let (say, mut said) = mpsc::channel(16);
            loop {
                tokio::select! {
                    Some(frame) = said.recv() => link.receive(frame, 1).await,
                    event = link.next() => match event {
                        LinkEvent::Send(GatewayFrame::Turn(turn)) => {
                            let (name, release) = (name.clone(), Arc::clone(&release));
                            tokio::spawn(answer(name, turn, release, say.clone()));
                        }
                        LinkEvent::Send(_) => {}
                        LinkEvent::Close { .. } => return,
                    }
                }
            }
        });
        Self { task }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    name: String,
    turn: Box<TurnFrame>,
    release: Arc<Notify>,
    say: mpsc::Sender<WorkerFrame>,
) {
    let asked = turn.messages.last().and_then(|message| message["parts"][0]["text"].as_str());
    let mut asked = asked.unwrap_or_default().to_owned();
    if asked == "/attempt" {
        asked = format!("attempt {}", turn.attempt);
    }
    let chunk = |value| to_raw_value(&value).expect("JSON");
    let id = turn.id;
    let start = vec![chunk(json!({"type": "start", "messageId": turn.answer_id}))];
    let out = Out { id: id.clone(), seq: 1, chunks: start, records: Vec::new() };
    let _ = say.send(WorkerFrame::Out(out)).await;
    if asked.starts_with("/hold") {
        release.notified().await;
    }
    let chunks = vec![
        chunk(json!({"type": "text-start", "id": "t"})),
        chunk(json!({"type": "text-delta", "id": "t", "delta": format!("{name}: {asked}")})),
        chunk(json!({"type": "text-end", "id": "t"})),
        chunk(json!({"type": "finish"})),
    ];
    let out = Out { id: id.clone(), seq: 2, chunks, records: Vec::new() };
    let _ = say.send(WorkerFrame::Out(out)).await;
    let _ = say.send(WorkerFrame::Done(Done { id, seq: 3, error: None })).await;
}
