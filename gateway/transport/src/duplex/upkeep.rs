//! What a connection does without being asked: pings, the end of credentials, and the drain.

use std::task::Context;

use tidegate_protocol::duplex::{GatewayFrame, Pulse, codes};
use tidegate_protocol::{ApiError, ErrorCode};

use super::connection::Connection;
use super::credentials::unauthenticated;
use super::subscription::Subscription;
use super::timers::Due;
use crate::sse::departure::Asked;

/// When a client may open another connection after this gateway told it to go.
const RECONNECT_MS: u64 = 100;

impl Connection {
    pub(super) fn fall_due(&mut self, due: Due) {
        match due {
            Due::NoHello => {
                let error = ApiError::new(ErrorCode::InvalidBody, "no `hello` came in time");
                self.refuse(error, codes::NO_HELLO);
            }
            Due::NoCredential if self.credentials.is_empty() => {
                let error = unauthenticated("no credential came in time");
                self.refuse(error, codes::NO_HELLO);
            }
            Due::NoCredential => {}
            // It may have spoken: nothing is read of it.
            Due::Silent if !self.has_room() => self.timers.heard(),
            Due::Silent => {
                self.closing = Some((codes::SILENT, "nothing was heard for too long".into()));
            }
            // Something else is to be said, and shows as much.
            Due::Ping if !self.has_said_all() => {}
            Due::Ping => {
                let pulse = self.pulse(None);
                self.send(&GatewayFrame::Ping(pulse));
            }
            Due::Expiry => {
                let now = self.app.gateway.now();
                let is_over = |open: &&Subscription| open.expires_at.is_some_and(|end| end <= now);
                let over = self.subscriptions.iter().filter(is_over);
                for id in over.map(|open| open.wanted.id).collect::<Vec<_>>() {
                    let text = "the credential has expired; send a fresh one by `auth`";
                    self.end(id, unauthenticated(text));
                }
                self.watch_expiry();
            }
        }
    }

    pub(super) fn watch_expiry(&mut self) {
        let first = self.subscriptions.iter().filter_map(|open| open.expires_at).min();
        let now = self.app.gateway.now();
        self.timers.expire_in(first.map(|at| at.saturating_sub(now)));
    }

    /// Hears of the drain (R-DPX-24). Is there something to say?
    pub(super) fn depart(&mut self, cx: &mut Context<'_>) -> bool {
        let before = self.asked;
        self.asked = self.departure.poll(cx, &self.app.gateway);
        if before == Asked::Stay && self.asked != Asked::Stay {
            self.send(&GatewayFrame::Goaway { reconnect_ms: RECONNECT_MS });
            return true;
        }
        if self.asked == Asked::Leave {
            self.go();
            return true;
        }
        false
    }

    /// Is there nothing here any more that is worth staying for, once all is sent?
    pub(super) fn may_go(&self) -> bool {
        let gateway = &self.app.gateway;
        match self.asked {
            Asked::Stay => false,
            Asked::Leave => true,
            // Who asked for something gets its answer.
            _ if !self.pending.is_empty() => false,
            Asked::LeaveAtBoundary => !self.subscriptions.iter().any(|o| o.follows_turn(gateway)),
            Asked::LeaveAtTail => true,
        }
    }

    pub(super) fn go(&mut self) {
        self.closing = Some((codes::DRAINING, "the gateway drains".into()));
    }

    pub(super) fn pulse(&self, n: Option<i64>) -> Pulse {
        Pulse { n, now: self.app.gateway.now(), tails: self.subscriptions.tails() }
    }
}
