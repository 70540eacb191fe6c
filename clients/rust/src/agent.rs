//! An agent: an id, the function that answers, its tools and its hooks.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tidegate_protocol::link::{AgentSpec, Mode, TakesOver};

use crate::answer::Answer;
use crate::error::AgentError;
use crate::tool::Tool;
use crate::turn::Turn;

type Asked<O> = Pin<Box<dyn Future<Output = O> + Send>>;
/// What answers a turn, or is called before.
pub(crate) type Handler = Arc<dyn Fn(Turn, Answer) -> Asked<Result<(), AgentError>> + Send + Sync>;
type Complete = Arc<dyn Fn(Turn, Outcome) -> Asked<()> + Send + Sync>;

/// An agent that a [`crate::Worker`] serves.
#[derive(Clone)]
pub struct Agent {
    id: String,
    actions: bool,
    pub(crate) handler: Handler,
    pub(crate) tools: Vec<Tool>,
    pub(crate) hooks: Hooks,
}

/// What is called around an answer.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) start: Option<Handler>,
    pub(crate) turn_start: Option<Handler>,
    pub(crate) turn_complete: Option<Complete>,
}

/// How a turn ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The answer is stored.
    Done,
    /// The user sees this text.
    Failed(String),
    /// The user stopped it. What was sent until then is kept.
    Stopped,
    /// It was taken from this worker; another may be asked.
    Lost,
}

impl Agent {
    /// An agent that sessions call `id`. `answer` is called once for each turn; its future is
    /// dropped when the turn is stopped.
    pub fn new<F, E>(id: &str, answer: impl Fn(Turn, Answer) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<AgentError>,
    {
        let (id, handler) = (id.to_owned(), handler(answer));
        Self { id, actions: false, handler, tools: Vec::new(), hooks: Hooks::default() }
    }

    /// It answers action turns, too; without this an action ends at once.
    pub fn with_actions(mut self) -> Self {
        self.actions = true;
        self
    }

    /// The model of a head start may call `tool`.
    pub fn tool(mut self, tool: Tool) -> Self {
        self.tools.push(tool);
        self
    }

    /// Calls `hook` before the first turn of a chat. An error ends the turn.
    pub fn on_start<F, E>(
        mut self,
        hook: impl Fn(Turn, Answer) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<AgentError>,
    {
        self.hooks.start = Some(handler(hook));
        self
    }

    /// Calls `hook` before each turn. An error ends the turn.
    pub fn on_turn_start<F, E>(
        mut self,
        hook: impl Fn(Turn, Answer) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<AgentError>,
    {
        self.hooks.turn_start = Some(handler(hook));
        self
    }

    /// Calls `hook` after each turn, whatever its end. The chat's next turn may be running already.
    pub fn on_turn_complete<F>(
        mut self,
        hook: impl Fn(Turn, Outcome) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.hooks.turn_complete =
            Some(Arc::new(move |turn, outcome| Box::pin(hook(turn, outcome))));
        self
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn spec(&self, version: &str) -> AgentSpec {
        AgentSpec {
            version: version.to_owned(),
            actions: self.actions,
            tools: self.tools.iter().map(Tool::spec).collect(),
            handover: Some(TakesOver::Calls),
            ..AgentSpec::new(&self.id, Mode::Turns)
        }
    }
}

fn handler<F, E>(called: impl Fn(Turn, Answer) -> F + Send + Sync + 'static) -> Handler
where
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<AgentError>,
{
    Arc::new(move |turn, sink| {
        let answering = called(turn, sink);
        Box::pin(async move { answering.await.map_err(Into::into) })
    })
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent").field("id", &self.id).finish_non_exhaustive()
    }
}
