//! Any URL that answers an AI SDK UI message stream, such as an existing `/api/chat` route.

mod backend;
mod request;
mod translate;

pub(crate) use backend::AiSdk;
