//! AI SDK UI messages: chunks, their reduction to a message, a guard over a backend's stream, and
//! how a turn changes the list of messages (`spec/v1/ui-messages.md`).

mod accumulator;
mod calls;
mod chunk;
mod clean;
mod fields;
mod grammar;
mod history;
mod inputs;
mod json;
#[cfg(test)]
mod json_strategy;
mod kind;
mod metadata;
mod model;
mod partial_json;
mod parts;
mod repair;
mod schema;
mod tool_chunks;
mod tools;

pub use accumulator::{Accumulator, OpenParts};
pub use chunk::{Chunk, ChunkError};
pub use clean::clean_partial;
pub use grammar::{Admitted, Close, Grammar, GrammarError};
pub use history::{Change, HistoryError, is_noop_submit, regenerate, upsert_message};
pub use json::parse_js;
pub(crate) use json::replace_lone_surrogates;
pub use kind::Kind;
pub use model::to_model_messages;
pub use partial_json::parse_partial_json;
