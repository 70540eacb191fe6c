//! Sharded pub/sub on connections of its own.

use std::sync::Arc;

use super::connection::Connection;

/// Hears what is published. Its calls must not block.
pub trait SubscriberListener: Send + Sync + std::fmt::Debug + 'static {
    /// A message came.
    fn message(&self, channel: &[u8], payload: &[u8]);

    /// Messages may have got lost on any channel; all are subscribed again.
    fn lost(&self);
}

/// Subscriptions; it ends when it is dropped.
#[derive(Debug)]
pub struct Subscriber {}

impl Subscriber {
    /// Subscribes to nothing yet.
    pub fn new(_connection: &Connection, _listener: Arc<dyn SubscriberListener>) -> Self {
        Self {}
    }

    /// Subscribes to a channel, soon. Its slot is that of its name (hash tag).
    pub fn subscribe(&self, _channel: &[u8]) {}

    /// Ends a subscription, soon.
    pub fn unsubscribe(&self, _channel: &[u8]) {}
}
