//! Moves frames between a worker's socket and its link. Decides nothing about either.

use std::time::Duration;

use tidegate_core::workers::{Link, LinkEvent};
use tidegate_protocol::link::{GatewayFrame, Goaway, codes};

use super::socket::{Happened, Socket};
use crate::drain::{Phase, Watch};
use crate::websocket::Io;

/// How soon a worker may be back after the gateway has gone, and how far that is spread at most: a
/// run that a worker brings along is not waited for much longer.
const RECONNECT_MS: u64 = 100;
const RECONNECT_SPREAD_MAX: Duration = Duration::from_secs(1);

/// Serves the link until either side ends it. `entropy` says where in the spread of a drain the
/// worker comes back (R-DRN-5).
pub(super) async fn drive(io: Io, mut link: Link, drain: Watch, entropy: u128) {
    let mut socket = Socket::new(io, drain);
    let close = loop {
        match socket.next(&mut link).await {
            Happened::Frame(frame, bytes) => link.receive(frame, bytes).await,
            Happened::Malformed(error) => link.malformed(&error),
            Happened::Event(LinkEvent::Send(frame)) => socket.feed(&frame),
            Happened::Event(LinkEvent::Close { code, reason }) => break Some((code, reason)),
            Happened::Drain(Phase::Stopped) => {
                break Some((codes::DRAINING, "the gateway has stopped".to_owned()));
            }
            Happened::Drain(Phase::Draining) => {
                let spread = socket.moment(entropy, RECONNECT_SPREAD_MAX);
                let goaway = Goaway { reconnect_ms: RECONNECT_MS + spread };
                socket.feed(&GatewayFrame::Goaway(goaway));
            }
            Happened::Drain(_) => {}
            Happened::Ended(end) => {
                break end.close().map(|(code, reason)| (code, reason.to_owned()));
            }
        }
    };
    // Its time to come back begins now, not when the socket is gone.
    drop(link);
    socket.close(close).await;
}
