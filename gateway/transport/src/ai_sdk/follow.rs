//! The chunks of one turn, read from the live channel like any other reader's. Each way of delivery
//! wraps them.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tidegate_core::Gateway;
use tidegate_core::access::Principal;
use tidegate_core::agents::Service;
use tidegate_core::channels::Follower;
use tidegate_core::error::Result;
use tidegate_core::streams::append::AppendRequest;
use tidegate_protocol::Record;
use tidegate_protocol::control;
use tidegate_protocol::ids::Channel;
use tidegate_protocol::record::Envelope;
use tracing::debug;

use super::turn;
use crate::drain::{Phase, Watch};
use crate::metrics::StreamPermit;
use crate::service::app::App;

pub(super) const STOP: Bytes = Bytes::from_static(br#"{"kind":"stop"}"#);

const UNREADABLE: &str = "the gateway can't read this chat";
const LEFT: &str = "the gateway drains before the answer is whole; resume the chat";

/// One turn's answer.
pub(crate) struct Following {
    follower: Follower,
    /// `.in` seq of the input that is answered.
    seq: u64,
    place: Place,
    gateway: Gateway,
    permit: StreamPermit,
    drain: Watch,
    /// The gateway itself runs the turns of this session, and no worker does.
    is_own: bool,
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
#[derive(Clone)]
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

/// What a poll gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Chunks.
    Chunks,
    /// Maybe chunks, and the end of the answer.
    End,
    /// There is no cursor to come back with: the client learns of the failure as of any other.
    Failed(&'static str),
}

impl Following {
    /// Reads the answer of `agent` to input `seq`; `start` is the first `.out` seq of it, if it is
    /// known.
    pub(super) fn new(
        app: &App,
        agent: &str,
        follower: Follower,
        permit: StreamPermit,
        seq: u64,
        start: Option<u64>,
        stop: Option<StopOnDisconnect>,
    ) -> Self {
        let place = start.map_or(Place::Behind, Place::Within);
        let (gateway, drain) = (app.gateway.clone(), app.drain.watch());
        let agent = gateway.agents().find(follower.stream().session.environment(), agent);
        let is_own = agent.is_some_and(|agent| matches!(agent.service, Service::Turns(_)));
        Self { follower, seq, place, gateway, permit, drain, is_own, stop, done: false }
    }

    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Is the turn the one whose chunks would come now? A stop hits it, and no other.
    pub(super) fn is_within(&self) -> bool {
        matches!(self.place, Place::Within(_))
    }

    /// Reads no further, and stops nothing.
    pub(super) fn finish(&mut self) {
        self.done = true;
        self.stop = None;
    }

    /// Gives `emit` the JSON of the next chunks.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut emit: impl FnMut(&[u8]),
    ) -> Poll<Piece> {
        while !self.done {
            if let Place::Asking(asking) = &mut self.place {
                match ready!(asking.as_mut().poll(cx)) {
                    Ok(start) => self.place = start.map_or(Place::Behind, Place::Within),
                    Err(_) => return self.fail(UNREADABLE),
                }
            }
            // Asked first: what was committed before a turn ended is there by then.
            let ending = self.drain.poll(cx) >= Phase::Ending;
            let delivery = match self.follower.poll_next(cx) {
                Poll::Ready(Ok(delivery)) => delivery,
                Poll::Ready(Err(_)) => return self.fail(UNREADABLE),
                Poll::Pending if ending && self.is_left() => return self.fail(LEFT),
                Poll::Pending => return Poll::Pending,
            };
            let mut chunks = 0;
            self.take(delivery.records(), |chunk| {
                chunks += 1;
                emit(chunk);
            });
            if chunks > 0 {
                self.permit.delivered(chunks);
                return Poll::Ready(if self.done { Piece::End } else { Piece::Chunks });
            }
        }
        Poll::Ready(Piece::End)
    }

    fn take(&mut self, records: &[Record], mut emit: impl FnMut(&[u8])) {
        for (index, record) in records.iter().enumerate() {
            match self.take_one(record, &mut emit) {
                Next::Read => {}
                Next::Ask => {
                    self.ask(record.seq_num + 1, index + 1 < records.len());
                    return;
                }
                Next::End => {
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

    fn take_one(&self, record: &Record, emit: &mut impl FnMut(&[u8])) -> Next {
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
            emit(envelope.data.0.get().as_bytes());
        }
        Next::Read
    }

    /// No turn runs here any more: is there nobody else who would run this one now (R-DRN-9)?
    fn is_left(&self) -> bool {
        self.is_own && self.follower.is_at_tail() && !self.gateway.serving().has_others()
    }

    fn fail(&mut self, why: &'static str) -> Poll<Piece> {
        self.finish();
        Poll::Ready(Piece::Failed(why))
    }
}

impl Drop for Following {
    /// A stop that is sent while another turn is in front would hit that one, so then there is
    /// none. Nor is there where the gateway cuts its readers: the turn is run again elsewhere.
    fn drop(&mut self) {
        let Some(stop) = self.stop.take() else { return };
        if self.drain.phase() >= Phase::Stopped {
            return;
        }
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

impl std::fmt::Debug for Following {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Following").field("seq", &self.seq).finish_non_exhaustive()
    }
}
