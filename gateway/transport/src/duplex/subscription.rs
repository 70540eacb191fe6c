//! One followed stream: what of it goes out next. Like an SSE read it holds a cursor and no queue.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tidegate_core::Gateway;
use tidegate_core::channels::Follower;
use tidegate_core::channels::follower::Delivery;
use tidegate_core::seams::store::StoreError;
use tidegate_core::streams::read::TokenFor;
use tidegate_protocol::Record;
use tidegate_protocol::cursor::Start;
use tidegate_protocol::duplex::window::{Overrun, Window};
use tidegate_protocol::duplex::{GapReason, records_json};
use tidegate_protocol::ids::Channel;
use tidegate_protocol::limits::EPOCH_SEQ_STRIDE;
use tidegate_protocol::sse::encode;

use super::requests::{Opened, Reached};
use crate::metrics::StreamPermit;

/// What a subscription was asked to be.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) id: u64,
    /// The session as the client calls it.
    pub(super) session: String,
    pub(super) channel: Channel,
    pub(super) start: Start,
    pub(super) window: Option<u64>,
}

/// An open subscription.
#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) wanted: Wanted,
    /// When the credential that it goes by ends, Unix ms.
    pub(super) expires_at: Option<u64>,
    /// The request that opened it, and the one that gave it this credential.
    opened_by: u64,
    credential_by: u64,
    follower: Follower,
    token: Option<TokenFor>,
    hidden: Vec<u64>,
    window: Window,
    /// What was read and may not be sent yet.
    held: Option<Delivery>,
    /// The seq that comes next unless something is missing.
    expected: u64,
    /// Where the stream stood when it was opened.
    tail: u64,
    /// What was sent last ends a turn.
    at_boundary: bool,
    permit: StreamPermit,
}

/// What goes out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Records, as JSON with commas between them.
    Records(Bytes),
    /// Some can't be delivered.
    Gap { from: u64, to: u64, reason: GapReason },
}

impl Subscription {
    /// Opened by the request `number`.
    pub(super) fn new(opened: Opened, number: u64) -> Self {
        let Opened { wanted, reading, expires_at, permit, .. } = opened;
        let from = reading.follower.cursor();
        let expected = match wanted.start {
            Start::From(seq) => seq,
            Start::Floor | Start::Tail => from,
        };
        Self {
            window: Window::new(wanted.window, from),
            wanted,
            expires_at,
            opened_by: number,
            credential_by: number,
            follower: reading.follower,
            token: reading.token,
            hidden: reading.hidden,
            held: None,
            expected,
            tail: reading.state.tail,
            at_boundary: false,
            permit,
        }
    }

    /// What a new credential is looked at for.
    pub(super) fn reached(&self) -> Reached {
        let (id, session) = (self.wanted.id, self.wanted.session.clone());
        let stream = self.follower.stream().clone();
        Reached { id, opened_by: self.opened_by, session, stream }
    }

    /// Is it the one that was looked at for the request `number`, and not by a newer credential?
    pub(super) fn is_meant(&self, opened_by: u64, number: u64) -> bool {
        self.opened_by == opened_by && self.credential_by < number
    }

    /// Goes on by the credential of the request `number`.
    pub(super) fn go_on(&mut self, number: u64, expires_at: Option<u64>, token: Option<TokenFor>) {
        (self.credential_by, self.expires_at, self.token) = (number, expires_at, token);
    }

    /// The tail of its stream, as far as is known here.
    pub(super) fn tail(&self) -> u64 {
        self.tail.max(self.follower.known_end())
    }

    /// Is there a turn on this gateway whose end it still waits for?
    pub(super) fn follows_turn(&self, gateway: &Gateway) -> bool {
        let stream = self.follower.stream();
        let awaited = || gateway.turns().awaits(&stream.session);
        stream.channel == Channel::OUT && !self.at_boundary && awaited()
    }

    /// The client has everything up to `seq`.
    pub(super) fn acknowledge(&mut self, seq: u64) -> Result<(), Overrun> {
        self.window.acknowledge(seq)
    }

    /// What goes out next. Pending at the tail, and while the window is full: an acknowledgement
    /// must be followed by another poll.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Piece, StoreError>> {
        loop {
            let delivery = match self.held.take() {
                Some(delivery) => delivery,
                None if self.window.is_full() => return Poll::Pending,
                None => ready!(self.follower.poll_next(cx))?,
            };
            let run = dense(delivery.records());
            let (first, end) = (run[0].seq_num, run[run.len() - 1].seq_num + 1);
            if self.expected < first {
                let from = std::mem::replace(&mut self.expected, first);
                self.held = Some(delivery);
                return Poll::Ready(Ok(Piece::Gap {
                    from,
                    to: first,
                    reason: reason(from, first),
                }));
            }
            let bytes = run.iter().map(Record::metered_len).sum::<usize>() as u64;
            if !self.window.has_room_for(bytes) {
                self.held = Some(delivery);
                return Poll::Pending;
            }
            let records = self.encode(&delivery, run);
            self.permit.delivered(run.len());
            self.at_boundary = delivery.batch.has_boundary();
            self.expected = end;
            if run.len() < delivery.records().len() {
                self.held = Some(Delivery { batch: delivery.batch, from: end });
            }
            // Of records that are not for this reader it hears nothing.
            if !records.is_empty() {
                self.window.sent(end, bytes);
                return Poll::Ready(Ok(Piece::Records(records)));
            }
        }
    }

    /// The shared bytes of the batch wherever this reader sees what every other reader sees.
    fn encode(&self, delivery: &Delivery, run: &[Record]) -> Bytes {
        let batch = &delivery.batch;
        let token = self.token.as_ref().filter(|_| batch.has_boundary());
        let hidden = self.hidden.last().is_some_and(|last| *last >= run[0].seq_num);
        let whole = delivery.is_whole() && run.len() == delivery.records().len();
        if whole && token.is_none() && !hidden {
            return encode::records_of(&batch.sse());
        }
        let token = token.and_then(TokenFor::mint);
        if !hidden {
            return records_json(run, token.as_deref());
        }
        let shown = |record: &&Record| self.hidden.binary_search(&record.seq_num).is_err();
        let kept: Vec<_> = run.iter().filter(shown).cloned().collect();
        records_json(&kept, token.as_deref())
    }
}

/// The records up to the first seq that is missing between them: a new epoch may begin within a
/// batch.
fn dense(records: &[Record]) -> &[Record] {
    let jump = records.windows(2).position(|pair| pair[1].seq_num != pair[0].seq_num + 1);
    &records[..jump.map_or(records.len(), |at| at + 1)]
}

/// Epochs are far apart, and within one seqs are dense. (`from` may be beyond what the store has
/// kept of the old epoch: its reader saw what was lost.)
fn reason(from: u64, to: u64) -> GapReason {
    if to - from >= EPOCH_SEQ_STRIDE / 2 { GapReason::Epoch } else { GapReason::Retention }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_protocol::NewRecord;

    #[test]
    fn a_run_ends_where_seqs_jump() {
        let record = |seq| NewRecord::data(b"1", "x").at(seq, 0);
        let records = [3, 4, 1 << 33, (1 << 33) + 1].map(record);
        assert_eq!(dense(&records).len(), 2);
        assert_eq!(dense(&records[2..]).len(), 2);
        assert_eq!(dense(&records[1..3]).len(), 1);
        assert_eq!(reason(5, 1 << 33), GapReason::Epoch);
        assert_eq!(reason(5, 900), GapReason::Retention);
    }
}
