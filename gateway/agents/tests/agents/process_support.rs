//! Children in shell, and what became of them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};
use tidegate_agents::build;
use tidegate_core::seams::AgentBackend;
use tidegate_core::seams::backend::AnswerStream;

use crate::support::{Answer, ask};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// An agent that runs `script`, `extra` merged into its table.
pub(crate) fn shell(script: &str, extra: Value) -> Arc<dyn AgentBackend> {
    let mut table = extra;
    table["command"] = json!(["sh", "-c", script]);
    build("process", "a", table).unwrap()
}

/// What `script` answers.
pub(crate) async fn answer_of(script: &str) -> Answer {
    Answer::of(shell(script, json!({})).answer(ask("hi"))).await
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// The data of the next item, which is one `data-…` chunk.
pub(crate) async fn data(stream: &mut AnswerStream) -> Value {
    let item = stream.next().await.unwrap().unwrap();
    item[0].value["data"].clone()
}

/// Waits until no process has this id; one whose parent does not care may stay a zombie.
pub(crate) async fn gone(pid: &Value) {
    until(&format!("the end of process {pid}"), || !is_alive(pid)).await;
}

/// Does a process of this id run?
pub(crate) fn is_alive(pid: &Value) -> bool {
    let pid = pid.as_i64().unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}
