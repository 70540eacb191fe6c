//! The subscribing connection to one primary.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{PushInfo, PushKind, Value};
use tidegate_protocol::limits::REDIS_SUBSCRIBER_PING_MS;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::backoff::Backoff;
use super::dial::{Ended, Line, ask};
use super::live::Live;
use super::node::Node;
use super::slot::slot_of;
use super::subscriber::{Channels, SubscriberListener};
use super::url::Address;

type Channel = Box<[u8]>;

/// Keeps the channels of one primary subscribed.
#[derive(Debug)]
pub(super) struct Subscription {
    node: Arc<Node>,
    channels: Arc<Channels>,
    /// Whether there was a connection before.
    again: bool,
}

const PING: Duration = Duration::from_millis(REDIS_SUBSCRIBER_PING_MS);
const PING_TIMEOUT: Duration = Duration::from_millis(2 * REDIS_SUBSCRIBER_PING_MS);
/// Channels named in one write.
const BATCH: usize = 512;

/// What an open connection knows.
struct Session {
    channels: Arc<Channels>,
    connection: MultiplexedConnection,
    ended: Arc<Ended>,
    pushed: Arc<Pushed>,
    subscribed: HashSet<Channel>,
}

/// What the connection's own task and ours share.
#[derive(Debug)]
struct Pushed {
    listener: Arc<dyn SubscriberListener>,
    /// Channels that we are leaving; the end of any other is the server's doing.
    leaving: Mutex<HashSet<Channel>>,
    moved_away: Notify,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.channels.unhear(&self.subscribed);
    }
}

impl Subscription {
    pub(super) fn new(node: Arc<Node>, channels: Arc<Channels>) -> Self {
        Self { node, channels, again: false }
    }

    pub(super) async fn keep(mut self) {
        let mut backoff = Backoff::default();
        loop {
            // A node without a connection for calls has none for us either.
            if let Ok(live) = self.node.shared.up(Instant::now() + PING_TIMEOUT).await {
                let why = self.follow(&live, &mut backoff).await;
                tracing::debug!(server = %live.address, %why, "subscriptions are interrupted");
                self.channels.inner.maker.lost.notify_one();
            }
            tokio::time::sleep(backoff.next()).await;
        }
    }

    /// Returns why the connection is given up.
    async fn follow(&mut self, live: &Live, backoff: &mut Backoff) -> String {
        let mut session = match self.open(&live.address).await {
            Ok(session) => session,
            Err(error) => return error,
        };
        let mut version = self.channels.version.subscribe();
        let mut changes = self.channels.inner.maker.changes.subscribe();
        loop {
            version.mark_unchanged();
            changes.mark_unchanged();
            let wanted = self.channels.of(&self.node);
            if let Err(error) = self.adapt(&mut session, &wanted).await {
                return error;
            }
            if std::mem::take(&mut self.again) {
                self.channels.listener.lost();
            }
            tokio::select! {
                () = session.ended.wait() => return self.interrupted("the connection was cut"),
                () = session.pushed.moved_away.notified() => {
                    return self.interrupted("a slot moved away");
                }
                () = live.ended.wait() => return self.interrupted("the primary was lost"),
                _ = version.changed() => {}
                _ = changes.changed() => {}
                () = tokio::time::sleep(PING) => {
                    if ask(&session.connection, &redis::cmd("PING"), PING_TIMEOUT).await.is_err() {
                        return self.interrupted("the server does not answer");
                    }
                    backoff.reset();
                }
            }
        }
    }

    fn interrupted(&mut self, why: &str) -> String {
        self.again = true;
        why.to_owned()
    }

    async fn open(&self, address: &Address) -> Result<Session, String> {
        let pushed = Arc::new(Pushed {
            listener: Arc::clone(&self.channels.listener),
            leaving: Mutex::default(),
            moved_away: Notify::new(),
        });
        let hears = Arc::clone(&pushed);
        let dialler = &self.channels.inner.maker.dialer;
        let dialled = dialler.dial(address, move |info| hears.hear(&info)).await;
        let (connection, ended): Line = dialled.map_err(|error| error.to_string())?;
        let channels = Arc::clone(&self.channels);
        Ok(Session { channels, connection, ended, pushed, subscribed: HashSet::new() })
    }

    /// Subscribes to what is missing and leaves what is not wanted.
    async fn adapt(
        &mut self,
        session: &mut Session,
        wanted: &HashSet<Channel>,
    ) -> Result<(), String> {
        let missing: Vec<_> = wanted.difference(&session.subscribed).cloned().collect();
        for batch in missing.chunks(BATCH) {
            let replies = send(session, "SSUBSCRIBE", batch).await;
            let replies = replies.map_err(|error| self.interrupted(&error))?;
            for (channel, reply) in batch.iter().zip(replies) {
                self.subscribed(session, channel, reply)?;
            }
        }
        let surplus: Vec<_> = session.subscribed.difference(wanted).cloned().collect();
        for batch in surplus.chunks(BATCH) {
            self.channels.unhear(batch);
            session.pushed.leaving.lock().extend(batch.iter().cloned());
            let replies = send(session, "SUNSUBSCRIBE", batch).await;
            replies.map_err(|error| self.interrupted(&error))?;
            session.subscribed.retain(|channel| !batch.contains(channel));
        }
        Ok(())
    }

    fn subscribed(
        &mut self,
        session: &mut Session,
        channel: &Channel,
        reply: Value,
    ) -> Result<(), String> {
        let Err(error) = reply.extract_error() else {
            session.subscribed.insert(channel.clone());
            self.channels.hear(channel);
            self.channels.listener.subscribed(channel);
            return Ok(());
        };
        match error.redirect_node().and_then(|(address, _)| address.rsplit_once(':')) {
            Some((host, port)) if !host.is_empty() => {
                let port = port.parse().map_err(|_| error.to_string())?;
                let address = Address { host: host.to_owned(), port };
                self.channels.inner.topology.moved(slot_of(channel), &address);
                Ok(())
            }
            _ => Err(self.interrupted(&error.to_string())),
        }
    }
}

async fn send(session: &Session, name: &str, channels: &[Channel]) -> Result<Vec<Value>, String> {
    // One command for each channel: a Cluster refuses channels of several slots in one.
    let mut pipe = redis::pipe();
    for channel in channels {
        pipe.cmd(name).arg(&**channel);
    }
    let mut connection = session.connection.clone();
    let sent = connection.req_packed_commands(&pipe, 0, channels.len());
    match tokio::time::timeout(PING_TIMEOUT, sent).await {
        Ok(replies) => replies.map_err(|error| error.to_string()),
        Err(_) => Err("the server does not answer".to_owned()),
    }
}

impl Pushed {
    fn hear(&self, info: &PushInfo) {
        match (&info.kind, info.data.as_slice()) {
            (PushKind::SMessage, [Value::BulkString(channel), Value::BulkString(payload)]) => {
                self.listener.message(channel, payload)
            }
            (PushKind::SUnsubscribe, [Value::BulkString(channel), ..]) => self.left(channel),
            _ => {}
        }
    }

    fn left(&self, channel: &[u8]) {
        if !self.leaving.lock().remove(channel) {
            self.moved_away.notify_one();
        }
    }
}
