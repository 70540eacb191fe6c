//! Frames on their way to a worker. It outlives the worker's connections.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tidegate_protocol::link::GatewayFrame;
use tidegate_protocol::link::codes;
use tokio::sync::Notify;

/// Frames that may wait for a slow worker before its connection is closed.
const FRAMES_MAX: usize = 65_536;

#[derive(Debug)]
pub(super) struct Outbox {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug)]
struct State {
    /// The connection that may take frames.
    epoch: u64,
    frames: VecDeque<GatewayFrame>,
    /// Why the connection must close, once the frames are out.
    close: Option<(u16, String)>,
    /// Frames were dropped: nothing more is sent on this connection.
    overflowed: bool,
}

/// What a connection has to do.
#[derive(Debug)]
pub(super) enum Out {
    Frame(GatewayFrame),
    Close(u16, String),
}

impl Outbox {
    pub(super) fn new(epoch: u64) -> Self {
        let state = State { epoch, frames: VecDeque::new(), close: None, overflowed: false };
        Self { state: Mutex::new(state), wake: Notify::new() }
    }

    /// A new connection takes over: what the old one did not send is dropped, since the worker
    /// says what it has seen.
    pub(super) fn take_over(&self, epoch: u64) {
        let mut state = self.state.lock();
        *state = State { epoch, frames: VecDeque::new(), close: None, overflowed: false };
        drop(state);
        self.wake.notify_waiters();
    }

    pub(super) fn push(&self, frame: GatewayFrame) {
        let mut state = self.state.lock();
        if state.overflowed {
            // The next connection says what it has seen, and gets the rest.
        } else if state.frames.len() >= FRAMES_MAX {
            let reason = "the worker does not read what it is sent".to_owned();
            state.close = Some((codes::SILENT, reason));
            state.frames.clear();
            state.overflowed = true;
        } else {
            state.frames.push_back(frame);
        }
        drop(state);
        self.wake.notify_waiters();
    }

    /// Ends the connection once everything before is sent.
    pub(super) fn close(&self, code: u16, reason: &str) {
        self.state.lock().close.get_or_insert((code, reason.to_owned()));
        self.wake.notify_waiters();
    }

    /// What the connection of `epoch` does next. Cancel-safe.
    pub(super) async fn next(&self, epoch: u64) -> Out {
        loop {
            // Made before the state is looked at, so that no wake-up is missed in between.
            let woken = self.wake.notified();
            {
                let mut state = self.state.lock();
                if state.epoch != epoch {
                    return Out::Close(codes::REPLACED, "a newer link took over".to_owned());
                }
                if let Some(frame) = state.frames.pop_front() {
                    return Out::Frame(frame);
                }
                if let Some((code, reason)) = state.close.take() {
                    return Out::Close(code, reason);
                }
            }
            woken.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    /// What the connection of `epoch` does now, in short.
    fn now(outbox: &Outbox, epoch: u64) -> String {
        match outbox.next(epoch).now_or_never() {
            Some(Out::Frame(GatewayFrame::Ack(ack))) => format!("ack {}", ack.seq),
            Some(Out::Frame(frame)) => format!("{frame:?}"),
            Some(Out::Close(code, _)) => format!("close {code}"),
            None => "waits".to_owned(),
        }
    }

    #[test]
    fn frames_go_out_in_order_and_a_close_comes_last() {
        let outbox = Outbox::new(1);
        outbox.push(GatewayFrame::ack("w", 1));
        outbox.close(codes::DONE, "drained");
        outbox.close(codes::DRAINING, "too late");
        outbox.push(GatewayFrame::ack("w", 2));
        let seen: Vec<_> = (0..4).map(|_| now(&outbox, 1)).collect();
        assert_eq!(seen, ["ack 1", "ack 2", "close 1000", "waits"]);
    }

    #[test]
    fn a_newer_link_takes_over_and_begins_with_nothing() {
        let outbox = Outbox::new(1);
        outbox.push(GatewayFrame::ack("w", 1));
        outbox.close(codes::DONE, "drained");
        outbox.take_over(2);
        outbox.push(GatewayFrame::ack("w", 2));
        assert_eq!(now(&outbox, 1), format!("close {}", codes::REPLACED));
        assert_eq!([now(&outbox, 2), now(&outbox, 2)], ["ack 2", "waits"]);
    }

    #[test]
    fn a_worker_that_does_not_read_is_cut_off() {
        let outbox = Outbox::new(1);
        for seq in 0..=FRAMES_MAX as u64 {
            outbox.push(GatewayFrame::ack("w", seq));
        }
        assert_eq!(now(&outbox, 1), format!("close {}", codes::SILENT));
    }

    #[tokio::test]
    async fn a_connection_that_waits_is_woken() {
        let outbox = std::sync::Arc::new(Outbox::new(1));
        for wake in [
            (|outbox| outbox.push(GatewayFrame::Pong)) as fn(&Outbox),
            |outbox| outbox.close(codes::DONE, "drained"),
            |outbox| outbox.take_over(2),
        ] {
            let waiting = tokio::spawn({
                let outbox = std::sync::Arc::clone(&outbox);
                async move { outbox.next(1).await }
            });
            tokio::task::yield_now().await;
            wake(&outbox);
            waiting.await.expect("no panic");
        }
    }
}
