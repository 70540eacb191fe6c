//! Executes the calls that a head start hands over (R-HDS-14, R-HDS-25).

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use tracing::warn;

use crate::answer::Answer;
use crate::error::{AgentError, AnswerError, shown};
use crate::json_schema::problem_of;
use crate::tool::{CallError, Tool, ToolCall};
use crate::turn::Turn;

/// What the user sees of a tool that panics.
const PANICKED: &str = "The tool failed.";

/// How one call ended.
enum End {
    Output(Value),
    Failed(String),
    /// The user is asked; the id of the question.
    Asked(String),
    /// It runs in the client.
    Left,
}

/// Executes the calls of the last step of `message`, all at once. Each end is written as it comes,
/// and is put into the message. Answers whether all have an output; without that nothing can go
/// on.
pub(crate) async fn settle(
    message: &mut Value,
    tools: &[Tool],
    turn: &Turn,
    answer: &Answer,
) -> Result<bool, AnswerError> {
    let Some(parts) = message["parts"].as_array_mut() else { return Ok(true) };
    let first = parts.iter().rposition(|part| part["type"] == "step-start").unwrap_or(0);
    let open = parts[first..].iter_mut().filter(|part| is_open(part));
    let settling = open.map(|part| async move {
        let end = AssertUnwindSafe(end_of(part, tools, turn)).catch_unwind().await;
        let end = end.unwrap_or_else(|_| End::Failed(PANICKED.to_owned()));
        write(part, end, answer).await
    });
    let ends = join_all(settling).await.into_iter().collect::<Result<Vec<bool>, _>>()?;
    Ok(ends.into_iter().all(|settled| settled))
}

fn is_open(part: &Value) -> bool {
    part["state"] == "input-available"
        && part["toolCallId"].is_string()
        && part["providerExecuted"] != true
}

async fn end_of(part: &Value, tools: &[Tool], turn: &Turn) -> End {
    let kind = part["type"].as_str().unwrap_or_default();
    let named = part["toolName"].as_str();
    let name = named.unwrap_or_else(|| kind.strip_prefix("tool-").unwrap_or(kind));
    let Some(tool) = tools.iter().find(|tool| tool.name() == name) else {
        return End::Failed(format!("this agent has no tool {name:?}"));
    };
    let invalid = |problem| End::Failed(format!("invalid input for tool {name:?}: {problem}"));
    let input = &part["input"];
    if let Some(problem) = problem_of(&tool.input_schema, input, "input") {
        return invalid(problem);
    }
    if tool.asks(input) {
        return question().map_or_else(|error| End::Failed(shown(&error)), End::Asked);
    }
    let Some(code) = &tool.code else { return End::Left };
    let call = ToolCall::new(turn.clone(), part["toolCallId"].as_str().unwrap_or_default());
    match code(input.clone(), call).await {
        Ok(output) => End::Output(output),
        Err(CallError::Input(problem)) => invalid(problem),
        Err(CallError::Failed(error)) => {
            warn!(tool = name, turn = turn.id(), %error, "a tool failed");
            End::Failed(shown(&error))
        }
    }
}

fn question() -> Result<String, AgentError> {
    Ok(format!("approval-{:016x}{:016x}", getrandom::u64()?, getrandom::u64()?))
}

/// Answers whether the call has an output: a failure is one, too, of which the model is told.
async fn write(part: &mut Value, end: End, answer: &Answer) -> Result<bool, AnswerError> {
    let (end, settled) = match end {
        End::Left => return Ok(false),
        End::Asked(id) => {
            let chunk = json!({"type": "tool-approval-request", "approvalId": id,
                "toolCallId": part["toolCallId"]});
            answer.chunk(chunk).await?;
            (json!({"state": "approval-requested", "approval": {"id": id}}), false)
        }
        End::Output(output) => {
            let chunk = json!({"type": "tool-output-available", "output": output});
            match answer.chunk(of(part, chunk)).await {
                Err(error @ AnswerError::TooLarge { .. }) => {
                    (failed(part, &error.to_string(), answer).await?, true)
                }
                written => {
                    written?;
                    (json!({"state": "output-available", "output": output}), true)
                }
            }
        }
        End::Failed(text) => (failed(part, &text, answer).await?, true),
    };
    if let (Some(part), Value::Object(end)) = (part.as_object_mut(), end) {
        part.extend(end);
    }
    Ok(settled)
}

async fn failed(part: &Value, text: &str, answer: &Answer) -> Result<Value, AnswerError> {
    let chunk = json!({"type": "tool-output-error", "errorText": text});
    answer.chunk(of(part, chunk)).await?;
    Ok(json!({"state": "output-error", "errorText": text}))
}

/// A chunk about the call of `part`.
fn of(part: &Value, mut chunk: Value) -> Value {
    let mut more = Map::new();
    more.insert("toolCallId".to_owned(), part["toolCallId"].clone());
    if part["type"] == "dynamic-tool" {
        more.insert("dynamic".to_owned(), Value::Bool(true));
    }
    if let Value::Object(chunk) = &mut chunk {
        chunk.extend(more);
    }
    chunk
}
