//! A tool of an agent: what the model of a head start may call.

use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::error::AgentError;
use crate::turn::Turn;

/// What a call gives: the output, or why there is none.
pub(crate) type Output = Result<Value, CallError>;
type Code =
    Arc<dyn Fn(Value, ToolCall) -> Pin<Box<dyn Future<Output = Output> + Send>> + Send + Sync>;
type Asks = Arc<dyn Fn(&Value) -> bool + Send + Sync>;

/// Why a call has no output.
#[derive(Debug)]
pub(crate) enum CallError {
    /// The input is not what the tool takes.
    Input(String),
    /// The tool failed.
    Failed(AgentError),
}

/// A tool that the model of a head start may call.
#[derive(Clone)]
pub struct Tool {
    name: String,
    description: Option<String>,
    pub(crate) input_schema: Value,
    pub(crate) code: Option<Code>,
    approval: Option<Asks>,
}

/// How a tool is called. Its future is dropped when the turn is stopped.
#[derive(Clone, Debug)]
pub struct ToolCall {
    turn: Turn,
    id: String,
}

impl ToolCall {
    pub(crate) fn new(turn: Turn, id: &str) -> Self {
        Self { turn, id: id.to_owned() }
    }

    /// The turn that it is a part of.
    pub fn turn(&self) -> &Turn {
        &self.turn
    }

    /// The call's id, which its output has, too.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl Tool {
    /// A tool whose inputs are as the JSON schema `input_schema` says; `execute` gives the output.
    /// An input is checked before. What `execute` returns as an error becomes the output's error,
    /// which the user sees.
    pub fn new<I, O, F, E>(
        name: &str,
        input_schema: Value,
        execute: impl Fn(I, ToolCall) -> F + Send + Sync + 'static,
    ) -> Self
    where
        I: DeserializeOwned,
        O: Serialize,
        F: Future<Output = Result<O, E>> + Send + 'static,
        E: Into<AgentError>,
    {
        let code: Code = Arc::new(move |input, call| match serde_json::from_value(input) {
            Err(error) => Box::pin(ready(Err(CallError::Input(error.to_string())))),
            Ok(input) => {
                let executing = execute(input, call);
                Box::pin(async move {
                    let output =
                        executing.await.map_err(|error| CallError::Failed(error.into()))?;
                    serde_json::to_value(output).map_err(|error| CallError::Failed(error.into()))
                })
            }
        });
        Self { code: Some(code), ..Self::in_client(name, input_schema) }
    }

    /// A tool that runs in the client: its calls are left for it, and its outputs continue the
    /// turn.
    pub fn in_client(name: &str, input_schema: Value) -> Self {
        Self { name: name.to_owned(), description: None, input_schema, code: None, approval: None }
    }

    /// Tells the model when to call it.
    pub fn description(mut self, text: &str) -> Self {
        self.description = Some(text.to_owned());
        self
    }

    /// The user is asked before it is executed.
    pub fn needs_approval(self) -> Self {
        self.needs_approval_if(|_| true)
    }

    /// The user is asked before it is executed, where `asks` says so of the input.
    pub fn needs_approval_if(
        mut self,
        asks: impl Fn(&Value) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.approval = Some(Arc::new(asks));
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn asks(&self, input: &Value) -> bool {
        self.approval.as_ref().is_some_and(|asks| asks(input))
    }

    /// How it is registered. Whether a function would ask depends on an input that nobody has yet.
    pub(crate) fn spec(&self) -> Value {
        let mut spec = json!({"name": self.name, "input_schema": self.input_schema});
        if let Some(description) = &self.description {
            spec["description"] = json!(description);
        }
        if self.approval.is_some() {
            spec["needs_approval"] = json!(true);
        }
        spec
    }
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tool").field("name", &self.name).finish_non_exhaustive()
    }
}
