//! `GET /ai/{agent}/ws`: what `WebSocketChatTransport` of `ai` 7 speaks (R-AI-16).

mod caller;
mod drive;
mod frame;
mod open;
mod reply;
mod request;
mod requests;

pub(crate) use open::open;
