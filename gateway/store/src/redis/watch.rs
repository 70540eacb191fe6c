//! Streams that are kept in sight: hints say that there is something, and it is then read from
//! where the listener stands. A hint that gets lost costs time, never data.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tidegate_core::seams::store::{ReadLimit, Watch};
use tidegate_protocol::Record;
use tidegate_protocol::ids::{SessionKey, StreamId};
use tidegate_protocol::limits::{READ_PAGE_MAX_BYTES, RECORD_MAX_BYTES};
use tracing::debug;

use super::connect::{Call, SubscriberListener};
use super::keys::{Home, channel_name, parse_channel};
use super::store::Shared;

/// One read of what was missed. One that stays below it by more than a record was to the end.
const PAGE: ReadLimit = ReadLimit { records: 1_000, bytes: 4 * READ_PAGE_MAX_BYTES };
/// How often watched streams are looked at where hints may have got lost.
const POLL: Duration = Duration::from_secs(1);
/// Polls between two looks where none is known to be lost; and polls after a loss.
const CALM: u32 = 10;

/// What is watched, and what is being read.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// By wake-up channel: the session, and its watched streams.
    sessions: Mutex<HashMap<String, (SessionKey, Vec<StreamId>)>>,
    /// Streams that a task reads; `true`: it is to look once more.
    reading: Mutex<HashMap<StreamId, bool>>,
    /// Polls to come soon, since hints may have got lost.
    uneasy: Mutex<u32>,
}

/// Keeps one stream in sight.
#[derive(Debug)]
struct Guard {
    shared: Arc<Shared>,
    stream: StreamId,
}

impl Watch for Guard {}

impl Drop for Guard {
    fn drop(&mut self) {
        let (shared, stream) = (&self.shared, &self.stream);
        let mut sessions = shared.watched.sessions.lock();
        if !shared.teller.unwatch(stream) {
            return;
        }
        let channel = Home::of(&stream.session).key("w");
        let Some((_, streams)) = sessions.get_mut(&channel) else { return };
        streams.retain(|watched| watched != stream);
        if streams.is_empty() {
            sessions.remove(&channel);
            shared.subscriber.unsubscribe(channel.as_bytes());
        }
    }
}

impl Shared {
    pub(super) fn watch(self: &Arc<Self>, stream: &StreamId) -> Box<dyn Watch> {
        let channel = Home::of(&stream.session).key("w");
        let mut sessions = self.watched.sessions.lock();
        if self.teller.watch(stream) {
            // What was seen is where whoever asks for this stands.
            let known = self.known.tail(stream);
            if known > 0 {
                self.teller.start(stream, known);
            }
            let watched = sessions.entry(channel.clone());
            let (_, streams) = watched.or_insert_with(|| {
                self.subscriber.subscribe(channel.as_bytes());
                (stream.session.clone(), Vec::new())
            });
            streams.push(stream.clone());
        }
        drop(sessions);
        self.catch_up(stream);
        Box::new(Guard { shared: Arc::clone(self), stream: stream.clone() })
    }

    /// Reads what the listener has not heard of, on a task of its own; one per stream.
    pub(super) fn catch_up(self: &Arc<Self>, stream: &StreamId) {
        if let Some(again) = self.watched.reading.lock().get_mut(stream) {
            *again = true;
            return;
        }
        self.watched.reading.lock().insert(stream.clone(), false);
        let (shared, stream) = (Arc::clone(self), stream.clone());
        tokio::spawn(async move {
            loop {
                shared.read_missed(&stream).await;
                let mut reading = shared.watched.reading.lock();
                match reading.get_mut(&stream) {
                    Some(again) if *again => *again = false,
                    _ => {
                        reading.remove(&stream);
                        return;
                    }
                }
            }
        });
    }

    async fn read_missed(&self, stream: &StreamId) {
        if self.teller.next(stream).is_none() {
            // It notes where the stream stands.
            if let Err(error) = self.state(stream).await {
                debug!(?stream, %error, "a watched stream can't be looked at");
            }
        }
        while let Some(from) = self.teller.next(stream) {
            match self.read(stream, from, PAGE).await {
                Ok(records) => {
                    self.teller.read(stream, &records);
                    if is_the_end(&records) {
                        return;
                    }
                }
                Err(error) => {
                    debug!(?stream, %error, "a watched stream can't be read");
                    return;
                }
            };
        }
    }

    fn all_watched(&self) -> Vec<StreamId> {
        let sessions = self.watched.sessions.lock();
        sessions.values().flat_map(|(_, streams)| streams.clone()).collect()
    }

    /// Those whose hints do not arrive.
    fn unheard(&self) -> Vec<StreamId> {
        let sessions = self.watched.sessions.lock();
        let unheard = |(channel, (_, streams)): (&String, &(SessionKey, Vec<StreamId>))| {
            let hears = self.subscriber.hears(channel.as_bytes()).is_some();
            (!hears).then(|| streams.clone())
        };
        sessions.iter().filter_map(unheard).flatten().collect()
    }

    fn catch_up_all(self: &Arc<Self>) {
        self.all_watched().iter().for_each(|stream| self.catch_up(stream));
    }

    /// Hints at what a script left out, which believed that nobody but this node hears it.
    pub(super) fn hint(self: &Arc<Self>, stream: &StreamId, tail: u64) {
        let channel = Home::of(&stream.session).key("w");
        let hint = format!("{} {tail} {}", self.node, channel_name(&stream.channel));
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let call = Call::command("SPUBLISH", channel).arg(hint);
            if let Err(error) = shared.run(call).await {
                debug!(%error, "a hint could not be given");
            }
        });
    }

    /// What was left out while this node did not hear what its scripts thought that it hears.
    fn hint_all(self: &Arc<Self>) {
        for stream in self.all_watched() {
            self.hint(&stream, self.known.tail(&stream));
        }
    }

    fn hinted(self: &Arc<Self>, channel: &[u8], hint: &[u8]) {
        let sessions = self.watched.sessions.lock();
        let channel = std::str::from_utf8(channel).ok();
        let session = channel.and_then(|channel| sessions.get(channel)).map(|(key, _)| key.clone());
        drop(sessions);
        let (Some(session), Ok(hint)) = (session, std::str::from_utf8(hint)) else { return };
        let mut words = hint.split(' ');
        let (node, tail, name) = (words.next(), words.next(), words.next());
        if node == Some(&*self.node) {
            return;
        }
        self.rows.let_go(&session);
        let tail = tail.and_then(|tail| tail.parse::<u64>().ok());
        let (Some(tail), Some(channel)) = (tail, name.and_then(parse_channel)) else { return };
        let stream = StreamId { session, channel };
        if self.teller.is_watched(&stream) && self.teller.next(&stream) != Some(tail) {
            self.catch_up(&stream);
        }
    }
}

fn is_the_end(records: &[Record]) -> bool {
    let bytes: usize = records.iter().map(Record::metered_len).sum();
    records.len() < PAGE.records && bytes + RECORD_MAX_BYTES < PAGE.bytes
}

/// Passes hints on as long as the store is there.
#[derive(Debug)]
pub(super) struct Hints(pub(super) Weak<Shared>);

impl SubscriberListener for Hints {
    fn message(&self, channel: &[u8], payload: &[u8]) {
        if let Some(shared) = self.0.upgrade()
            && !shared.members.hear(channel, payload)
        {
            shared.hinted(channel, payload);
        }
    }

    fn subscribed(&self, channel: &[u8]) {
        if let Some(shared) = self.0.upgrade() {
            shared.members.subscribed(channel);
        }
    }

    fn lost(&self) {
        if let Some(shared) = self.0.upgrade() {
            *shared.watched.uneasy.lock() = CALM;
            shared.catch_up_all();
            shared.hint_all();
        }
    }
}

/// Looks at watched streams now and then, as long as the store is there.
pub(super) async fn poll(shared: Weak<Shared>) {
    let mut ticks = tokio::time::interval(POLL);
    let mut count = 0u32;
    loop {
        ticks.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        count = count.wrapping_add(1);
        let mut uneasy = shared.watched.uneasy.lock();
        let is_due = *uneasy > 0 || count.is_multiple_of(CALM);
        *uneasy = uneasy.saturating_sub(1);
        drop(uneasy);
        let streams = if is_due { shared.all_watched() } else { shared.unheard() };
        streams.iter().for_each(|stream| shared.catch_up(stream));
    }
}
