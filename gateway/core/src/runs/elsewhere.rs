//! Calls to a session that another gateway serves: they are asked there.

use tidegate_protocol::ids::SessionKey;

use super::calls::Call;
use crate::fleet::{Answer, Question, Serving};

impl Call {
    /// Asks `node` and answers the call with what comes back. A call that is dropped without an
    /// answer tells its caller to try again.
    pub(super) async fn ask(self, serving: &Serving, node: &str, session: &SessionKey) {
        match self {
            Self::Boundary { records, writer, frame_key, reply } => {
                let question = Question::boundary(&records, writer, frame_key);
                let answer = serving.ask(node, session, question).await;
                let outcome = answer.map_err(Into::into).and_then(Answer::into_appended);
                let _ = reply.send(outcome);
            }
            Self::Succeed { number, upgrade, reply } => {
                let question = Question::Succeed { number, upgrade };
                let answer = serving.ask(node, session, question).await;
                if let Some(outcome) = answer.ok().and_then(Answer::into_succession) {
                    let _ = reply.send(outcome);
                }
            }
            Self::Cancel { number, reply } => {
                let answer = serving.ask(node, session, Question::Cancel { number }).await;
                if let Ok(Answer::Said(live)) = answer {
                    let _ = reply.send(live);
                }
            }
            Self::Open { open, reply } => {
                let answer = serving.ask(node, session, Question::Open(open)).await;
                if let Ok(Answer::Said(opened)) = answer {
                    let _ = reply.send(opened);
                }
            }
            Self::Injected(ids) => {
                let _ = serving.ask(node, session, Question::Injected(ids)).await;
            }
            Self::Closed => {
                let _ = serving.ask(node, session, Question::Closed).await;
            }
            // These are for whoever serves the session here, or not at all.
            Self::Adopt { work, reply, .. } => {
                work.finish();
                let _ = reply.send(false);
            }
            Self::Yield(reply) => {
                let _ = reply.send(true);
            }
        }
    }
}
