//! Moves frames between a worker's socket and its link. Decides nothing about either.

use hyper::upgrade::Upgraded;
use tidegate_core::workers::{Link, LinkEvent};
use tidegate_protocol::link::{GatewayFrame, Goaway, codes};

use super::socket::{Happened, Socket};
use crate::drain::{Phase, Watch};

/// When a worker should be back after the gateway has gone.
const RECONNECT_MS: u64 = 100;

/// Serves the link until either side ends it.
pub(super) async fn drive(io: Upgraded, mut link: Link, drain: Watch) {
    let mut socket = Socket::new(io, drain).await;
    let close = loop {
        match socket.next(&mut link).await {
            Happened::Frame(frame, bytes) => link.receive(frame, bytes).await,
            Happened::Malformed(error) => link.malformed(&error),
            Happened::Event(LinkEvent::Send(frame)) => {
                if !socket.feed(&frame) {
                    break None;
                }
            }
            Happened::Event(LinkEvent::Close { code, reason }) => break Some((code, reason)),
            Happened::Drain(Phase::Stopped) => {
                break Some((codes::DRAINING, "the gateway has stopped".to_owned()));
            }
            Happened::Drain(_) => {
                let goaway = Goaway { reconnect_ms: RECONNECT_MS };
                if !socket.feed(&GatewayFrame::Goaway(goaway)) {
                    break None;
                }
            }
            Happened::Ended => break None,
        }
    };
    // Its time to come back begins now, not when the socket is gone.
    drop(link);
    socket.close(close).await;
}
