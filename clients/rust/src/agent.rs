//! An agent: an id and the function that answers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tidegate_protocol::link::{AgentSpec, Mode};

use crate::answer::Answer;
use crate::error::AgentError;
use crate::turn::Turn;

/// What answers a turn.
pub(crate) type Handler =
    Arc<dyn Fn(Turn, Answer) -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send + Sync>;
pub(crate) type Outcome = Result<(), AgentError>;

/// An agent that a [`crate::Worker`] serves.
#[derive(Clone)]
pub struct Agent {
    id: String,
    actions: bool,
    pub(crate) handler: Handler,
}

impl Agent {
    /// An agent that sessions call `id`. `answer` is called once for each turn; its future is
    /// dropped when the turn is stopped.
    pub fn new<F, E>(id: &str, answer: impl Fn(Turn, Answer) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<AgentError>,
    {
        let handler = move |turn, sink| -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
            let answering = answer(turn, sink);
            Box::pin(async move { answering.await.map_err(Into::into) })
        };
        Self { id: id.to_owned(), actions: false, handler: Arc::new(handler) }
    }

    /// It answers action turns, too; without this an action ends at once.
    pub fn with_actions(mut self) -> Self {
        self.actions = true;
        self
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn spec(&self, version: &str) -> AgentSpec {
        AgentSpec {
            version: version.to_owned(),
            actions: self.actions,
            ..AgentSpec::new(&self.id, Mode::Turns)
        }
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent").field("id", &self.id).finish_non_exhaustive()
    }
}
