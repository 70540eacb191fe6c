//! Chats with agents: sessions over the duplex binding (WebSocket) and over SSE, with the feature
//! `http3` also over HTTP/3.

mod ahead;
mod append;
mod builder;
pub mod error;
mod event;
mod follower;
mod http;
#[cfg(feature = "http3")]
mod http3;
mod hub;
mod machine;
mod mode;
mod order;
mod place;
mod reply;
mod session;
mod shared;
mod subscription;
mod tokens;

pub use builder::{Builder, Client};
pub use error::Error;
pub use event::{Content, Event, Transport};
pub use mode::Mode;
pub use place::Channel;
pub use reply::Reply;
pub use session::Session;
pub use subscription::Subscription;
pub use tidegate_protocol::cursor::Start;
pub use tidegate_protocol::duplex::GapReason;
pub use tidegate_protocol::{Header, Record};
pub use tokens::Failure;
