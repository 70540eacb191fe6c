//! Tool chunks applied to the message.

use serde_json::Value;

use super::accumulator::Accumulator;
use super::chunk::{ChunkError, flag, text};
use super::kind::Kind;
use super::parts::{call_id, has_call_id, is_dynamic_tool, is_tool, set};
use super::tools::{self, ToolUpdate};

impl Accumulator {
    pub(super) fn push_tool(&mut self, kind: Kind, chunk: &Value) -> Result<(), ChunkError> {
        let Self { parts, inputs, .. } = self;
        let id = text(chunk, "toolCallId");
        inputs.settle(parts, id);
        match kind {
            Kind::ToolInputStart => {
                inputs.begin(chunk);
                ToolUpdate {
                    input: None,
                    encoding: chunk.get("inputEncoding").cloned(),
                    dynamic: flag(chunk, "dynamic"),
                    ..ToolUpdate::from_chunk(chunk, "input-streaming")
                }
                .apply(parts);
            }
            Kind::ToolInputAvailable => {
                ToolUpdate {
                    dynamic: flag(chunk, "dynamic"),
                    ..ToolUpdate::from_chunk(chunk, "input-available")
                }
                .apply(parts);
            }
            Kind::ToolInputError => {
                // The kind of the part that is there wins over what the chunk says.
                let same_call = |part: &Value| is_tool(part) && has_call_id(part, id);
                let known = parts.find_in_step(same_call).map(|at| &parts.as_slice()[at]);
                ToolUpdate {
                    dynamic: known.map_or(flag(chunk, "dynamic"), is_dynamic_tool),
                    error_text: chunk.get("errorText").cloned(),
                    title: None,
                    ..ToolUpdate::from_chunk(chunk, "output-error")
                }
                .apply(parts);
            }
            Kind::ToolOutputAvailable => {
                let at = self.call("tool-output-available", id)?;
                tools::answer(self.parts.members(at), chunk, "output-available");
            }
            Kind::ToolOutputError => {
                let at = self.call("tool-output-error", id)?;
                tools::answer(self.parts.members(at), chunk, "output-error");
            }
            Kind::ToolOutputDenied => {
                let at = self.call("tool-output-denied", id)?;
                set(self.parts.members(at), "state", Some("output-denied".into()));
            }
            Kind::ToolApprovalRequest => {
                let at = self.call("tool-approval-request", id)?;
                tools::request_approval(self.parts.members(at), chunk);
            }
            Kind::ToolApprovalResponse => self.respond(chunk)?,
            // Every other kind has been dealt with by the caller.
            _ => {}
        }
        Ok(())
    }

    fn call(&self, kind: &'static str, id: &str) -> Result<usize, ChunkError> {
        let unknown = || ChunkError::UnknownToolCall { kind, id: id.to_owned() };
        self.parts.find_call(id).ok_or_else(unknown)
    }

    fn respond(&mut self, chunk: &Value) -> Result<(), ChunkError> {
        let id = text(chunk, "approvalId");
        let asks = |part: &Value| is_tool(part) && part["approval"]["id"].as_str() == Some(id);
        let unknown = || ChunkError::UnknownApproval(id.to_owned());
        let at = self.parts.as_slice().iter().position(asks).ok_or_else(unknown)?;
        if let Some(call) = call_id(&self.parts.as_slice()[at]).map(str::to_owned) {
            self.inputs.settle(&mut self.parts, &call);
        }
        tools::respond_approval(self.parts.members(at), chunk);
        Ok(())
    }
}
