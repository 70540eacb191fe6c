//! What the duplex machine is asked for, and what it asks for.

use std::sync::Arc;

use parking_lot::Mutex;

use super::feed::Feed;
use crate::client::error::Error;
use crate::client::place::Place;

/// Names a connection.
pub(crate) type ConnId = u64;
/// Names a subscription or an append, over all connections.
pub(crate) type Key = u64;
/// A feed that transports write and an application reads.
pub(crate) type SharedFeed = Arc<Mutex<Feed>>;

/// What to follow.
#[derive(Clone, Debug)]
pub(crate) struct SubSpec {
    pub(crate) session: String,
    pub(crate) place: Place,
    /// May another transport stand in?
    pub(crate) auto: bool,
    pub(crate) feed: SharedFeed,
}

/// What the driver has to do.
#[derive(Debug)]
pub(crate) enum Action {
    /// Open a connection.
    Dial(ConnId),
    /// Send the text of a frame.
    Send(ConnId, String),
    /// End a connection, as soon as what was sent is out.
    Close(ConnId),
    /// Get a token of a session, another one than `stale`.
    Token {
        /// Whose.
        session: String,
        /// What is not good any more.
        stale: Option<String>,
    },
    /// The subscription has a path: another transport may leave it.
    Opened(Key),
    /// The subscription should be read over another transport meanwhile.
    FallBack(Key),
    /// The outcome of an append: its seq. It is known once.
    Appended(Key, Result<u64, Error>),
}
