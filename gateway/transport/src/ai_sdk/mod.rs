//! The AI SDK bindings: what `DefaultChatTransport` of `ai` 5, 6 and 7 and `WebSocketChatTransport`
//! of `ai` 7 speak (`spec/v1/ai-sdk.md`).

pub(crate) mod answer;
pub(crate) mod chat;
pub(crate) mod follow;
pub(crate) mod request;
pub(crate) mod respond;
pub(crate) mod resume;
pub(crate) mod socket;
pub(crate) mod stop;
pub(crate) mod turn;
