//! Chats with agents: sessions over the duplex binding and over SSE.

mod error;
mod event;
mod machine;
