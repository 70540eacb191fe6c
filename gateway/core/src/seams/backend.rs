//! The backend seam (design §5.1): a turn backend gives one answer and keeps nothing.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_core::Stream;
use serde_json::{Map, Value};
use tidegate_protocol::input::Trigger;

use super::steering::Steering;
use super::{BoxFuture, ToolSchema};

/// Answers turns. Stateless: everything it needs is in the request.
pub trait AgentBackend: Send + Sync + std::fmt::Debug + 'static {
    /// Starts one answer. Dropping the stream cancels it, down to the upstream socket (I5), also
    /// before the first item.
    fn answer(&self, request: TurnRequest) -> AnswerStream;

    /// What it can do besides answering messages.
    fn abilities(&self) -> Abilities;

    /// An answer will be asked for soon: opens a connection, if it uses any and none is open, in
    /// its own time. Nobody learns whether it could. Needs a Tokio runtime.
    fn warm_up(&self) {}

    /// For a backend whose agents are linked to gateways: resolves to the name of another gateway
    /// that is the better place for an answer to `origin`, as soon as there is one.
    fn better_place(&self, origin: &Origin) -> Option<BoxFuture<'static, String>> {
        let _ = origin;
        None
    }
}

/// What a backend can do besides answering messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// It takes `action` turns; without it an action ends in a bare boundary.
    pub actions: bool,
    /// It takes messages while it answers; without it they wait for their own turns.
    pub steering: bool,
}

/// The chunks of one answer. An item holds whatever was ready: the engine appends it as one
/// batch. The stream ends when the answer is whole.
pub type AnswerStream = Pin<Box<dyn Stream<Item = Result<Vec<Chunk>, BackendError>> + Send>>;

/// One UI message chunk, parsed once.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// The JSON as the backend sent it: what is written to `.out` if nothing needs repair.
    pub raw: Bytes,
    /// The same, parsed.
    pub value: Value,
}

impl Chunk {
    /// A chunk that the backend makes itself.
    pub fn of(value: Value) -> Self {
        Self { raw: serde_json::to_vec(&value).expect("a Value is valid JSON").into(), value }
    }
}

/// What a backend is asked to answer.
#[derive(Clone, Debug)]
pub struct TurnRequest {
    /// The agent's id.
    pub agent: Arc<str>,
    /// The session's external id, or its friendly id.
    pub chat_id: Arc<str>,
    /// Turn number, from 1.
    pub turn: u64,
    /// Attempt, from 1; above 1 after a crash that left nothing visible.
    pub attempt: u32,
    /// Why.
    pub trigger: Trigger,
    /// The whole history as UIMessages, oldest first.
    pub messages: Arc<Vec<Value>>,
    /// The id that the answer's message will have.
    pub answer_id: Arc<str>,
    /// Is the last message an assistant message that the answer continues?
    pub continues: bool,
    /// The message that is answered again.
    pub message_id: Option<String>,
    /// Client data.
    pub metadata: Option<Value>,
    /// The action's body, with [`Trigger::Action`].
    pub action: Option<Value>,
    /// The application's own keys.
    pub rest: Map<String, Value>,
    /// What the model may call, in the step of a head start; else empty. The calls are not the
    /// backend's to execute.
    pub tools: Arc<[ToolSchema]>,
    /// Whose turn it is.
    pub origin: Arc<Origin>,
    /// Messages that come meanwhile, if the backend takes them.
    pub steering: Option<Arc<Steering>>,
}

#[cfg(test)]
impl TurnRequest {
    /// The first attempt at a turn that submits nothing.
    pub(crate) fn sample(turn: u64) -> Self {
        Self {
            agent: "a".into(),
            chat_id: "c".into(),
            turn,
            attempt: 1,
            trigger: Trigger::Submit,
            messages: Arc::default(),
            answer_id: "m".into(),
            continues: false,
            message_id: None,
            metadata: None,
            action: None,
            rest: Map::new(),
            tools: Arc::default(),
            origin: Arc::default(),
            steering: None,
        }
    }
}

/// The session behind a turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The environment's name.
    pub environment: Arc<str>,
    /// The session's friendly id.
    pub session: Arc<str>,
    /// Its external id, or the friendly id.
    pub name: Arc<str>,
    /// The session's run.
    pub run: Arc<str>,
    /// The version of the agent that the session is locked to.
    pub version: Option<Arc<str>>,
    /// How many sessions stand between it and one that a client made.
    pub depth: usize,
}

/// Why a backend could not answer. The engine turns it into an `error` chunk and one boundary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BackendError {
    /// What kind of failure.
    pub kind: BackendFault,
    /// For a person; names the backend, holds no secret.
    pub message: String,
}

/// Kinds of backend failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendFault {
    /// Could not be reached, or cut the answer off.
    Unavailable,
    /// Answered with an error status or something that is not an answer.
    Invalid,
    /// A connect, first-byte, idle or total timeout.
    Timeout,
    /// The worker that answered is gone; another may answer at once.
    Lost,
}
