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
}

/// What a connection has to do.
#[derive(Debug)]
pub(super) enum Out {
    Frame(GatewayFrame),
    Close(u16, String),
}

impl Outbox {
    pub(super) fn new(epoch: u64) -> Self {
        let state = State { epoch, frames: VecDeque::new(), close: None };
        Self { state: Mutex::new(state), wake: Notify::new() }
    }

    /// A new connection takes over: what the old one did not send is dropped, since the worker
    /// says what it has seen.
    pub(super) fn take_over(&self, epoch: u64) {
        let mut state = self.state.lock();
        *state = State { epoch, frames: VecDeque::new(), close: None };
        drop(state);
        self.wake.notify_waiters();
    }

    pub(super) fn push(&self, frame: GatewayFrame) {
        let mut state = self.state.lock();
        if state.frames.len() >= FRAMES_MAX {
            let reason = "the worker does not read what it is sent".to_owned();
            state.close = Some((codes::SILENT, reason));
            state.frames.clear();
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
