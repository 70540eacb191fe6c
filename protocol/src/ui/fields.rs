//! The fields of every chunk type, as `ai` 7's `uiMessageChunkSchema` asks for them.

use serde_json::Value;

use super::kind::Kind;
use super::schema::{FINISH_REASONS, Type};

pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) ty: Type,
    pub(super) required: bool,
}

const fn must(name: &'static str, ty: Type) -> Field {
    Field { name, ty, required: true }
}

const fn may(name: &'static str, ty: Type) -> Field {
    Field { name, ty, required: false }
}

const META: Field = may("providerMetadata", Type::PerProvider);
const TOOL_META: Field = may("toolMetadata", Type::Object);
const EXECUTED: Field = may("providerExecuted", Type::Bool);
const DYNAMIC: Field = may("dynamic", Type::Bool);
const TITLE: Field = may("title", Type::Text);
const ID: Field = must("id", Type::Text);
const CALL: Field = must("toolCallId", Type::Text);
const NAME: Field = must("toolName", Type::Text);
const URL: Field = must("url", Type::Text);
const MEDIA: Field = must("mediaType", Type::Text);

const DATA: &[Field] =
    &[may("id", Type::Text), must("data", Type::Any), may("transient", Type::Bool)];
const INPUT: &[Field] =
    &[CALL, NAME, must("input", Type::Any), EXECUTED, META, TOOL_META, DYNAMIC, TITLE];
const URL_SOURCE: &[Field] = &[must("type", Type::OneOf(&["source"])), ID, URL, TITLE, META];
const DOCUMENT_SOURCE: &[Field] = &[
    must("type", Type::OneOf(&["source"])),
    ID,
    MEDIA,
    must("title", Type::Text),
    may("filename", Type::Text),
    META,
];
pub(super) const CITATION: &[Field] = &[
    must("source", Type::Source),
    may("startIndex", Type::Index),
    may("endIndex", Type::Index),
    may("citedText", Type::Text),
];

pub(super) fn source_fields(source: &Value) -> Option<&'static [Field]> {
    match source.get("sourceType")?.as_str()? {
        "url" => Some(URL_SOURCE),
        "document" => Some(DOCUMENT_SOURCE),
        _ => None,
    }
}

pub(super) fn steering_fields(part: &Value) -> Option<&'static [Field]> {
    match part.get("type")?.as_str()? {
        "text" => Some(const { &[must("text", Type::Text), META] }),
        "file" => Some(
            const {
                &[
                    MEDIA,
                    URL,
                    may("filename", Type::Text),
                    may("providerReference", Type::Texts),
                    META,
                ]
            },
        ),
        _ => None,
    }
}

pub(super) fn fields(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::TextDelta | Kind::ReasoningDelta => const { &[ID, must("delta", Type::Text), META] },
        Kind::TextStart | Kind::ReasoningStart | Kind::ReasoningEnd => const { &[ID, META] },
        Kind::TextEnd => const { &[ID, may("citations", Type::List(CITATION)), META] },
        Kind::Start => const { &[may("messageId", Type::Text), may("messageMetadata", Type::Any)] },
        Kind::Finish => {
            const {
                &[
                    may("finishReason", Type::OneOf(FINISH_REASONS)),
                    may("messageMetadata", Type::Any),
                ]
            }
        }
        Kind::MessageMetadata => const { &[must("messageMetadata", Type::Any)] },
        Kind::Abort => const { &[may("reason", Type::Text)] },
        Kind::Error => const { &[must("errorText", Type::Text)] },
        Kind::Custom => const { &[must("kind", Type::Text), META] },
        Kind::File | Kind::ReasoningFile => const { &[URL, MEDIA, META] },
        Kind::SourceUrl => const { &[must("sourceId", Type::Text), URL, TITLE, META] },
        Kind::SourceDocument => {
            const {
                &[
                    must("sourceId", Type::Text),
                    MEDIA,
                    must("title", Type::Text),
                    may("filename", Type::Text),
                    META,
                ]
            }
        }
        Kind::SteeringMessage => const { &[ID, must("parts", Type::Parts)] },
        Kind::Data => DATA,
        Kind::StartStep | Kind::FinishStep | Kind::ResetStep | Kind::Unknown => &[],
        _ => input_fields(kind),
    }
}

fn input_fields(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::ToolInputStart => {
            const {
                &[
                    CALL,
                    NAME,
                    may("inputEncoding", Type::OneOf(&["json", "text"])),
                    EXECUTED,
                    META,
                    TOOL_META,
                    DYNAMIC,
                    TITLE,
                ]
            }
        }
        Kind::ToolInputDelta => const { &[CALL, must("inputTextDelta", Type::Text)] },
        Kind::ToolInputAvailable => INPUT,
        Kind::ToolInputError => {
            const {
                &[
                    CALL,
                    NAME,
                    must("input", Type::Any),
                    EXECUTED,
                    META,
                    TOOL_META,
                    DYNAMIC,
                    must("errorText", Type::Text),
                    TITLE,
                ]
            }
        }
        _ => answer_fields(kind),
    }
}

fn answer_fields(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::ToolApprovalRequest => {
            const {
                &[
                    must("approvalId", Type::Text),
                    CALL,
                    may("approvalDescriptor", Type::Any),
                    may("inputSchemaInput", Type::Any),
                    may("reason", Type::Text),
                    may("isAutomatic", Type::Bool),
                    may("signature", Type::Text),
                ]
            }
        }
        Kind::ToolApprovalResponse => {
            const {
                &[
                    must("approvalId", Type::Text),
                    must("approved", Type::Bool),
                    may("reason", Type::Text),
                    EXECUTED,
                    META,
                ]
            }
        }
        Kind::ToolOutputAvailable => {
            const {
                &[
                    CALL,
                    must("output", Type::Any),
                    EXECUTED,
                    META,
                    TOOL_META,
                    DYNAMIC,
                    may("preliminary", Type::Bool),
                ]
            }
        }
        Kind::ToolOutputError => {
            const { &[CALL, must("errorText", Type::Text), EXECUTED, META, TOOL_META, DYNAMIC] }
        }
        Kind::ToolOutputDenied => const { &[CALL] },
        _ => &[],
    }
}
