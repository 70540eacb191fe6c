//! What other gateways ask of this one, which serves the session in question.

use tidegate_protocol::ids::SessionKey;
use tokio::sync::oneshot;

use super::message::{Answer, Question, records};
use crate::gateway::Gateway;
use crate::runs::Call;

impl Gateway {
    pub(super) async fn answer(&self, session: &str, question: Question) -> Answer {
        let failed = |text: &str| Answer::Failed(text.to_owned());
        let Some(key) = SessionKey::from_stored(session) else { return failed("no session") };
        let row = match self.store().session(&key).await {
            Ok(Some(row)) => row,
            Ok(None) => return self.leave(&key).await,
            Err(error) => return Answer::Failed(error.to_string()),
        };
        let call = |call| self.runs().call(&key, &row, call);
        match question {
            Question::Boundary { records: sent, writer, frame_key } => {
                let (reply, landed) = oneshot::channel();
                let (records, writer) = (records(sent), writer.into());
                call(Call::Boundary { records, writer, frame_key, reply }).await;
                landed.await.map_or_else(|_| failed("the driver ended"), Into::into)
            }
            Question::Succeed { number, upgrade } => {
                let (reply, next) = oneshot::channel();
                call(Call::Succeed { number, upgrade, reply }).await;
                next.await.map_or_else(
                    |_| failed("the driver ended"),
                    |(next, missing)| Answer::Succeeded {
                        number: next.number,
                        swapped: next.swapped,
                        missing,
                    },
                )
            }
            Question::Cancel { number } => {
                let (reply, live) = oneshot::channel();
                call(Call::Cancel { number, reply }).await;
                live.await.map_or_else(|_| failed("the driver ended"), Answer::Said)
            }
            Question::Open(open) => {
                let (reply, opened) = oneshot::channel();
                call(Call::Open { open, reply }).await;
                opened.await.map_or_else(|_| failed("the driver ended"), Answer::Said)
            }
            Question::Yield => {
                let (reply, left) = oneshot::channel();
                call(Call::Yield(reply)).await;
                left.await.map_or_else(|_| failed("the driver ended"), Answer::Said)
            }
            Question::Injected(ids) => Answer::Said(call(Call::Injected(ids)).await),
            Question::Closed => Answer::Said(call(Call::Closed).await),
            Question::Forget => self.leave(&key).await,
        }
    }

    /// Ends what runs for a session here, and gives it up.
    async fn leave(&self, session: &SessionKey) -> Answer {
        self.forget_session(session).await;
        let serving = self.serving();
        let left = match serving.claim(session).await {
            Ok(Ok(hold)) => serving.give_up(session, hold, false).await,
            other => other.map(|_| true),
        };
        left.map_or_else(|error| Answer::Failed(error.to_string()), Answer::Said)
    }
}
