//! The chunk types that `ai` 7 knows.

/// What a chunk's `type` means to the reducer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Start,
    StartStep,
    FinishStep,
    ResetStep,
    Finish,
    Abort,
    Error,
    MessageMetadata,
    TextStart,
    TextDelta,
    TextEnd,
    ReasoningStart,
    ReasoningDelta,
    ReasoningEnd,
    ToolInputStart,
    ToolInputDelta,
    ToolInputAvailable,
    ToolInputError,
    ToolApprovalRequest,
    ToolApprovalResponse,
    ToolOutputAvailable,
    ToolOutputError,
    ToolOutputDenied,
    SourceUrl,
    SourceDocument,
    File,
    ReasoningFile,
    Custom,
    SteeringMessage,
    /// `data-*`.
    Data,
    /// A type of some later version: the reducer ignores it.
    Unknown,
}

impl Kind {
    /// The kind of a chunk's `type` string.
    pub fn of(name: &str) -> Self {
        match name {
            "text-delta" => Self::TextDelta,
            "tool-input-delta" => Self::ToolInputDelta,
            "reasoning-delta" => Self::ReasoningDelta,
            "start" => Self::Start,
            "start-step" => Self::StartStep,
            "finish-step" => Self::FinishStep,
            "reset-step" => Self::ResetStep,
            "finish" => Self::Finish,
            "abort" => Self::Abort,
            "error" => Self::Error,
            "message-metadata" => Self::MessageMetadata,
            "text-start" => Self::TextStart,
            "text-end" => Self::TextEnd,
            "reasoning-start" => Self::ReasoningStart,
            "reasoning-end" => Self::ReasoningEnd,
            "tool-input-start" => Self::ToolInputStart,
            "tool-input-available" => Self::ToolInputAvailable,
            "tool-input-error" => Self::ToolInputError,
            "tool-approval-request" => Self::ToolApprovalRequest,
            "tool-approval-response" => Self::ToolApprovalResponse,
            "tool-output-available" => Self::ToolOutputAvailable,
            "tool-output-error" => Self::ToolOutputError,
            "tool-output-denied" => Self::ToolOutputDenied,
            "source-url" => Self::SourceUrl,
            "source-document" => Self::SourceDocument,
            "file" => Self::File,
            "reasoning-file" => Self::ReasoningFile,
            "custom" => Self::Custom,
            "steering-message" => Self::SteeringMessage,
            _ if name.starts_with("data-") => Self::Data,
            _ => Self::Unknown,
        }
    }
}
