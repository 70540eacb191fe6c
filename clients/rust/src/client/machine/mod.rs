//! What decides: pure state machines of a client. Frames and times go in, actions come out.

mod action;
mod conn;
mod credentials;
mod duplex;
mod feed;
mod pulse;
mod route;
mod subs;

pub(crate) use action::{Action, ConnId, Key, SharedFeed, SubSpec};
pub(crate) use duplex::Duplex;
pub(crate) use feed::Feed;

#[cfg(test)]
mod tests;
