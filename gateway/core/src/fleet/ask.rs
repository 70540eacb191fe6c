//! Questions to the gateway that serves a session, and their answers.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tidegate_protocol::ids::SessionKey;
use tidegate_protocol::limits::FLEET_ANSWER_MS;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::message::{Answer, Message, Question};
use super::serving::Serving;
use crate::seams::store::StoreError;

/// Questions that wait for their answers.
#[derive(Debug, Default)]
pub(super) struct Asked {
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    last: u64,
    answers: HashMap<u64, oneshot::Sender<Answer>>,
}

impl Serving {
    /// Asks `node`, which serves `session`.
    pub async fn ask(
        &self,
        node: &str,
        session: &SessionKey,
        question: Question,
    ) -> Result<Answer, StoreError> {
        let gone = || StoreError::Unavailable(format!("gateway {node} did not answer"));
        let fleet = self.fleet().ok_or_else(gone)?;
        let (id, answered) = self.asked().begin();
        let session = session.as_str().to_owned();
        let message = Message::Ask { id, session, question };
        let answered = async {
            fleet.send(node, message.to_bytes()).await?;
            answered.await.map_err(|_| gone())
        };
        let answer = timeout(Duration::from_millis(FLEET_ANSWER_MS), answered).await;
        self.asked().end(id);
        answer.unwrap_or_else(|_| Err(gone()))
    }

    /// An answer came.
    pub fn answered(&self, id: u64, answer: Answer) {
        if let Some(waiting) = self.asked().end(id) {
            drop(waiting.send(answer));
        }
    }
}

impl Asked {
    fn begin(&self) -> (u64, oneshot::Receiver<Answer>) {
        let (answer, answered) = oneshot::channel();
        let mut waiting = self.waiting.lock();
        waiting.last += 1;
        let id = waiting.last;
        waiting.answers.insert(id, answer);
        (id, answered)
    }

    fn end(&self, id: u64) -> Option<oneshot::Sender<Answer>> {
        self.waiting.lock().answers.remove(&id)
    }
}
