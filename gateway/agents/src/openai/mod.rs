//! Any OpenAI-compatible chat-completions endpoint, streamed.

mod backend;
mod calls;
mod content;
mod event;
mod messages;
mod request;
mod stream;

pub(crate) use backend::OpenAi;
