//! One connection of a worker: frames in, frames out. The transport owns the socket.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tidegate_protocol::frame::FrameError;
use tidegate_protocol::limits::{
    LINK_FRAME_MAX_BYTES, LINK_HEARTBEAT_MS, LINK_HELLO_TIMEOUT_MS, LINK_LEASE_MS, LINK_RESUME_MS,
    LINK_WINDOW_BYTES,
};
use tidegate_protocol::link::{
    AgentSpec, Cause, GatewayFrame, HeldWork, Hello, Refusal, Welcome, WelcomedWork, WorkerFrame,
    codes,
};
use tidegate_protocol::{ApiError, ErrorCode};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, info, warn};

use super::outbox::{Out, Outbox};
use super::pool::{Runs, WorkerKey};
use super::registration;
use super::registry::{Entry, Workers, deliver};
use crate::access::Principal;
use crate::agents::AgentKey;
use crate::error::Result;
use crate::gateway::Gateway;

/// See the module. Dropping it says that the connection has ended.
#[derive(Debug)]
pub struct Link {
    gateway: Gateway,
    environment: Arc<str>,
    joined: Option<Joined>,
    /// Answers to the worker's own frames.
    replies: VecDeque<GatewayFrame>,
    close: Option<(u16, String)>,
    /// When the worker was last heard.
    heard: Instant,
}

#[derive(Debug)]
struct Joined {
    key: WorkerKey,
    epoch: u64,
    outbox: Arc<Outbox>,
    /// Why its work is lost with the connection; else it may come back.
    gone: Option<Cause>,
}

/// What the connection has to do.
#[derive(Debug)]
pub enum LinkEvent {
    /// Send a frame.
    Send(GatewayFrame),
    /// Close with this WebSocket code. Nothing follows.
    Close {
        /// R-LNK-4.
        code: u16,
        /// For a person.
        reason: String,
    },
}

impl Gateway {
    /// A link for a worker that has just connected (R-LNK-1).
    pub fn open_link(&self, principal: &Principal) -> Result<Link> {
        // A run's token is for its session, not for serving others (R-LNK-1).
        principal.require(principal.is_secret() && principal.run().is_none())?;
        if self.turns().is_draining() {
            return Err(ApiError::new(ErrorCode::Draining, "this gateway is about to stop"));
        }
        Ok(Link {
            gateway: self.clone(),
            environment: Arc::clone(&principal.environment),
            joined: None,
            replies: VecDeque::new(),
            close: None,
            heard: Instant::now(),
        })
    }
}

impl Link {
    /// A frame from the worker that took `bytes` bytes, in the order of the socket.
    pub async fn receive(&mut self, frame: WorkerFrame, bytes: usize) {
        self.heard = Instant::now();
        match (frame, self.joined.is_some()) {
            (WorkerFrame::Hello(hello), false) => {
                if let Err(error) = self.join(hello).await {
                    debug!(%error, "a worker was refused");
                    self.refuse(&error);
                }
            }
            (WorkerFrame::Hello(_), true) => self.malformed_because("hello comes once"),
            (_, false) => self.malformed_because("the first frame must be hello"),
            (WorkerFrame::Ping, true) => self.replies.push_back(GatewayFrame::Pong),
            (WorkerFrame::Drain, true) => self.drain(),
            (WorkerFrame::Bye, true) => {
                if let Some(joined) = &mut self.joined {
                    joined.gone = Some(Cause::WorkerLost);
                }
                self.close = Some((codes::DONE, "bye".to_owned()));
            }
            (frame, true) => self.pass(frame, bytes),
        }
    }

    /// Bytes that are no frame (R-LNK-3).
    pub fn malformed(&mut self, error: &FrameError) {
        self.malformed_because(&error.to_string());
    }

    /// What to do next. Cancel-safe.
    pub async fn next(&mut self) -> LinkEvent {
        if let Some(frame) = self.replies.pop_front() {
            return LinkEvent::Send(frame);
        }
        if let Some((code, reason)) = self.close.take() {
            return LinkEvent::Close { code, reason };
        }
        let Some(joined) = &mut self.joined else {
            sleep_until(self.heard + Duration::from_millis(LINK_HELLO_TIMEOUT_MS)).await;
            let reason = "no hello came".to_owned();
            return LinkEvent::Close { code: codes::SILENT, reason };
        };
        tokio::select! {
            biased;
            out = joined.outbox.next(joined.epoch) => match out {
                Out::Frame(frame) => LinkEvent::Send(frame),
                Out::Close(code, reason) => LinkEvent::Close { code, reason },
            },
            () = sleep_until(self.heard + Duration::from_millis(LINK_LEASE_MS)) => {
                joined.gone = Some(Cause::WorkerSilent);
                let reason = "nothing came from the worker".to_owned();
                LinkEvent::Close { code: codes::SILENT, reason }
            }
        }
    }

    async fn join(&mut self, hello: Hello) -> Result<()> {
        registration::check(&hello)?;
        let worker = hello.worker.as_str().into();
        let key = WorkerKey { environment: Arc::clone(&self.environment), worker };
        let (workers, agents) = (self.gateway.workers(), self.gateway.agents());
        registration::admit(workers, agents, &key, &hello)?;
        let since = self.gateway.remember_agents(&self.environment, &hello.agents).await?;
        for spec in &hello.agents {
            let agent = AgentKey::new(&self.environment, &spec.id);
            agents.register(agent.clone(), registration::registered(workers, &agent, spec));
        }
        let outbox = workers.attach(&key, &hello, &since);
        self.joined = Some(Joined { key: key.clone(), epoch: hello.epoch, outbox, gone: None });
        let mut work = Vec::with_capacity(hello.work.len());
        for held in &hello.work {
            work.push(self.take_back(&key, held).await);
        }
        workers.drop_unknown(&key, &hello.work);
        self.replies.push_back(GatewayFrame::Welcome(Welcome {
            heartbeat_ms: LINK_HEARTBEAT_MS,
            lease_ms: LINK_LEASE_MS,
            resume_ms: LINK_RESUME_MS,
            window_bytes: LINK_WINDOW_BYTES,
            frame_max_bytes: LINK_FRAME_MAX_BYTES,
            work,
        }));
        info!(worker = %key.worker, agents = hello.agents.len(), "a worker joined");
        // What waited for these agents.
        let gateway = self.gateway.clone();
        tokio::spawn(async move {
            if let Err(error) = gateway.wake_owing().await {
                warn!(%error, "could not look for what waits; the next sweep will");
            }
        });
        Ok(())
    }

    /// Answers one entry of `hello.work` (R-LNK-11).
    async fn take_back(&self, key: &WorkerKey, held: &HeldWork) -> WelcomedWork {
        let acked = match self.gateway.workers().resume(key, held) {
            Some(acked) => Some(acked),
            None => self.gateway.adopt_run(key, held).await.then_some(held.acked),
        };
        WelcomedWork { id: held.id.clone(), held: acked.is_some(), acked: acked.unwrap_or(0) }
    }

    fn pass(&mut self, frame: WorkerFrame, bytes: usize) {
        let Some(joined) = &self.joined else { return };
        let (Some(id), seq) = (frame.work_id().map(str::to_owned), frame.seq()) else { return };
        let piece = self.gateway.workers().piece(&joined.key, &id);
        let received = match &piece {
            Some(piece) => piece.receive(frame, bytes),
            None => Err(ErrorCode::NotHeld),
        };
        if let Err(code) = received {
            let message = match code {
                ErrorCode::SeqGap => "a frame is missing before this one; the work is lost",
                ErrorCode::WindowExceeded => "too much is unacknowledged; the work is lost",
                _ => "the worker does not hold this work (any more)",
            };
            let refusal = Refusal::new(code, message);
            self.replies.push_back(GatewayFrame::error(Some(&id), seq, refusal));
            if let (Some(piece), true) = (piece, code != ErrorCode::NotHeld) {
                piece.lose(Cause::Crashed);
            }
        }
    }

    fn drain(&self) {
        if let Some(joined) = &self.joined {
            self.gateway.workers().drain(&joined.key);
        }
    }

    fn refuse(&mut self, error: &ApiError) {
        let refusal = Refusal::new(error.code, error.message.clone());
        self.replies.push_back(GatewayFrame::error(None, None, refusal));
        let code = if error.code.retryable() { codes::OVERLOADED } else { codes::REFUSED };
        self.close = Some((code, error.message.to_string()));
    }

    fn malformed_because(&mut self, reason: &str) {
        let refusal = Refusal::new(ErrorCode::InvalidBody, reason.to_owned());
        self.replies.push_back(GatewayFrame::error(None, None, refusal));
        self.close = Some((codes::MALFORMED, reason.to_owned()));
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let Some(joined) = self.joined.take() else { return };
        let workers = Arc::clone(self.gateway.workers());
        if !workers.detach(&joined.key, joined.epoch) {
            return;
        }
        if let Some(cause) = joined.gone {
            workers.lose(&joined.key, joined.epoch, cause);
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                sleep(Duration::from_millis(LINK_RESUME_MS)).await;
                workers.lose(&joined.key, joined.epoch, Cause::WorkerLost);
            });
        }
    }
}

impl Workers {
    /// Takes a worker in, or in again on a newer link.
    /// `since`: when each version was first registered.
    pub(super) fn attach(
        self: &Arc<Self>,
        key: &WorkerKey,
        hello: &Hello,
        since: &[u64],
    ) -> Arc<Outbox> {
        let one = |(spec, since): (&AgentSpec, &u64)| {
            let agent = AgentKey::new(&key.environment, &spec.id);
            Runs { agent, spec: Arc::new(spec.clone()), since: *since }
        };
        let agents: Vec<_> = hello.agents.iter().zip(since).map(one).collect();
        let keys: Vec<_> = agents.iter().map(|runs| runs.agent.clone()).collect();
        let mut state = self.state.lock();
        state.pool.join(key, hello.capacity, agents);
        let outbox = if let Some(entry) = state.workers.get_mut(key) {
            entry.pieces.values().for_each(|piece| piece.expect());
            entry.outbox.take_over(hello.epoch);
            (entry.epoch, entry.connected, entry.draining) = (hello.epoch, true, false);
            entry.capacity = hello.capacity;
            Arc::clone(&entry.outbox)
        } else {
            let outbox = Arc::new(Outbox::new(hello.epoch));
            let entry = Entry::new(hello.epoch, Arc::clone(&outbox), hello.capacity);
            state.workers.insert(key.clone(), entry);
            outbox
        };
        let placed = self.assign(&mut state, &keys);
        drop(state);
        self.note_change();
        deliver(placed);
        outbox
    }
}
