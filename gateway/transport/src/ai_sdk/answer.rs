//! The body of an AI SDK answer: the chunks of one turn as a UI message stream, read from the live
//! channel like any other reader's.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tidegate_core::Gateway;
use tidegate_core::access::Principal;
use tidegate_core::channels::Follower;
use tidegate_core::error::Result;
use tidegate_core::streams::append::AppendRequest;
use tidegate_protocol::Record;
use tidegate_protocol::control;
use tidegate_protocol::ids::Channel;
use tidegate_protocol::record::Envelope;
use tidegate_protocol::sse::encode;
use tracing::debug;

use super::turn;
use crate::metrics::StreamPermit;
use crate::sse::quiet::Quiet;

/// A comment: the client's parser skips it, proxies see traffic.
const COMMENT: Bytes = Bytes::from_static(b": waiting\n\n");
const STOP: Bytes = Bytes::from_static(br#"{"kind":"stop"}"#);

/// One turn's answer.
pub(crate) struct Answer {
    follower: Follower,
    /// `.in` seq of the input that is answered.
    seq: u64,
    place: Place,
    gateway: Gateway,
    quiet: Quiet,
    permit: StreamPermit,
    /// Stops the turn if the reader goes away before its end.
    stop: Option<StopOnDisconnect>,
    done: bool,
}

/// Where the reader is, as to the turn.
enum Place {
    /// Another turn is in front: its chunks are not for this reader.
    Behind,
    /// A turn in front ended: is this one's next?
    Asking(Pin<Box<dyn Future<Output = Result<Option<u64>>> + Send>>),
    /// In the turn, from this `.out` seq on.
    Within(u64),
}

/// Who stops the turn, and where.
pub(super) struct StopOnDisconnect {
    pub(super) principal: Principal,
    pub(super) session: String,
}

/// What to do after a record.
enum Next {
    Read,
    Ask,
    End,
}

impl Answer {
    /// Reads the answer to input `seq`; `start` is the first `.out` seq of it, if it is known.
    pub(super) fn new(
        gateway: Gateway,
        follower: Follower,
        permit: StreamPermit,
        seq: u64,
        start: Option<u64>,
        stop: Option<StopOnDisconnect>,
    ) -> Self {
        let place = start.map_or(Place::Behind, Place::Within);
        let quiet = Quiet::new(None);
        Self { follower, seq, place, gateway, quiet, permit, stop, done: false }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// The next chunks.
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        while !self.done {
            if let Place::Asking(asking) = &mut self.place {
                let Poll::Ready(start) = asking.as_mut().poll(cx) else { return self.idle(cx) };
                match start {
                    Ok(start) => self.place = start.map_or(Place::Behind, Place::Within),
                    Err(error) => return self.fail(&error.message),
                }
            }
            let delivery = match self.follower.poll_next(cx) {
                Poll::Pending => return self.idle(cx),
                Poll::Ready(Err(_)) => return self.fail("the gateway can't read this chat"),
                Poll::Ready(Ok(delivery)) => delivery,
            };
            let mut events = Vec::with_capacity(delivery.batch.bytes());
            self.take(delivery.records(), &mut events);
            if !events.is_empty() {
                self.quiet.wrote();
                return Poll::Ready(Some(events.into()));
            }
        }
        Poll::Ready(None)
    }

    fn take(&mut self, records: &[Record], events: &mut Vec<u8>) {
        for (index, record) in records.iter().enumerate() {
            match self.take_one(record, events) {
                Next::Read => {}
                Next::Ask => {
                    self.ask(record.seq_num + 1, index + 1 < records.len());
                    return;
                }
                Next::End => {
                    events.extend_from_slice(encode::DONE);
                    self.finish();
                    return;
                }
            }
        }
    }

    /// Asks whether this turn is the one that begins at `from`.
    fn ask(&mut self, from: u64, has_more: bool) {
        let (gateway, seq) = (self.gateway.clone(), self.seq);
        let stream = self.follower.stream().clone();
        let session = stream.session.clone();
        // What follows in the same batch is read again, once it is known whose it is.
        if has_more {
            let store = gateway.store().clone();
            self.follower = gateway.channels().follow(store, stream, from);
        }
        self.place =
            Place::Asking(Box::pin(
                async move { turn::start_of(&gateway, &session, seq, from).await },
            ));
    }

    fn take_one(&self, record: &Record, events: &mut Vec<u8>) -> Next {
        if control::is_boundary(record) {
            return match (turn::answers(record, self.seq), &self.place) {
                (true, _) => Next::End,
                (false, Place::Within(_)) => Next::Read,
                (false, _) => Next::Ask,
            };
        }
        if control::kind(record) == Some(control::SESSION_CLOSED) {
            return Next::End;
        }
        let Place::Within(start) = self.place else { return Next::Read };
        if record.seq_num >= start
            && let Some(envelope) = Envelope::of(record)
        {
            encode::data(events, envelope.data.0.get().as_bytes());
            self.permit.delivered(1);
        }
        Next::Read
    }

    fn idle(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.quiet.poll(cx).map(|_| Some(COMMENT))
    }

    /// There is no cursor to come back with: the client learns of the failure as of any other.
    fn fail(&mut self, message: &str) -> Poll<Option<Bytes>> {
        let chunk = serde_json::json!({"type": "error", "errorText": message}).to_string();
        let mut events = Vec::new();
        encode::data(&mut events, chunk.as_bytes());
        events.extend_from_slice(encode::DONE);
        self.finish();
        Poll::Ready(Some(events.into()))
    }

    fn finish(&mut self) {
        self.done = true;
        self.stop = None;
    }
}

impl Drop for Answer {
    /// A stop that is sent while another turn is in front would hit that one, so then there is
    /// none.
    fn drop(&mut self) {
        let Some(stop) = self.stop.take() else { return };
        let (true, Ok(runtime)) =
            (matches!(self.place, Place::Within(_)), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let gateway = self.gateway.clone();
        runtime.spawn(async move {
            let request = AppendRequest { body: STOP, ..AppendRequest::default() };
            let appended =
                gateway.append(&stop.principal, &stop.session, &Channel::IN, request).await;
            if let Err(error) = appended {
                debug!(%error, "a closed socket could not stop its turn");
            }
        });
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("seq", &self.seq).finish_non_exhaustive()
    }
}
