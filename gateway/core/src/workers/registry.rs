//! The workers that are connected, what they hold, and who waits for room.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use parking_lot::Mutex;
use tidegate_protocol::ids::SessionKey;
use tidegate_protocol::input::Trigger;
use tidegate_protocol::limits::TURN_WARM_MS;
use tidegate_protocol::link::{Cause, GatewayFrame};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::backend::want;
use super::outbox::Outbox;
use super::parked::Parked;
use super::piece::Piece;
use super::pool::{Choice, Pool, Want, WorkerKey};
use super::served::Served;
use super::work::{Slot, Work};
use crate::access::{Access, RunIdentity};
use crate::agents::{AgentKey, Agents, Service, TakesOver};
use crate::fleet::Serving;
use crate::head_start::HeadStart;
use crate::seams::Entropy;
use crate::seams::backend::{Origin, TurnRequest};

/// See the module.
#[derive(Debug)]
pub struct Workers {
    pub(super) state: Mutex<State>,
    pub(super) agents: Arc<Agents>,
    access: Arc<Access>,
    entropy: Arc<dyn Entropy>,
    pub(super) serving: Arc<Serving>,
    /// The gateway is about to stop.
    pub(super) leaving: AtomicBool,
    /// What the other gateways are told has changed.
    changed: Notify,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) pool: Pool,
    pub(super) workers: HashMap<WorkerKey, Entry>,
    /// First come, first served, for each agent.
    waiting: HashMap<AgentKey, VecDeque<Waiter>>,
    pub(super) parked: Parked,
    served: Served,
}

/// A worker, connected or expected back.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) epoch: u64,
    pub(super) outbox: Arc<Outbox>,
    pub(super) pieces: HashMap<Arc<str>, Arc<Piece>>,
    pub(super) connected: bool,
    pub(super) draining: bool,
    /// As it registered, for operators.
    pub(super) capacity: usize,
}

#[derive(Debug)]
struct Waiter {
    want: Want,
    placed: oneshot::Sender<Slot>,
}

type Placed = Vec<(oneshot::Sender<Slot>, Slot)>;

impl Workers {
    /// None yet.
    pub fn new(
        agents: Arc<Agents>,
        access: Arc<Access>,
        entropy: Arc<dyn Entropy>,
        serving: Arc<Serving>,
    ) -> Self {
        let (state, leaving, changed) = Default::default();
        Self { state, agents, access, entropy, serving, leaving, changed }
    }

    /// Does the agent take its records over the link (mode `runs`)?
    pub fn takes_records(&self, environment: &str, agent: &str) -> bool {
        let found = self.agents.find(environment, agent);
        matches!(found.map(|agent| agent.service), Some(Service::Runs { records: true }))
    }

    /// Who comes and goes, and what there is room for, may have changed since the last call.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(super) fn note_change(&self) {
        self.changed.notify_one();
    }

    pub(super) fn entropy(&self) -> u128 {
        self.entropy.next_u128()
    }

    /// A credential for the environment of a turn (mode `turns`).
    pub(super) fn turn_token(&self, origin: &Origin, attempt: u32) -> String {
        let identity = RunIdentity {
            run: Arc::clone(&origin.run),
            session: SessionKey::new(&origin.environment, &origin.name),
            fence: 0,
            attempt,
        };
        self.access.mint_run_token(&origin.environment, &identity).unwrap_or_default()
    }

    /// Who makes first steps for the agent.
    pub(super) fn warm_place(&self, agent: &str) -> Option<Arc<HeadStart>> {
        self.agents.head_start(agent)
    }

    /// Who makes the first step of the answer, if its agent is cold for the session (R-HDS-11).
    pub(super) fn head_start(
        &self,
        agent: &AgentKey,
        request: &TurnRequest,
    ) -> Option<(Arc<HeadStart>, TakesOver)> {
        let fresh = matches!(request.trigger, Trigger::Submit | Trigger::Regenerate);
        if !fresh || request.continues || request.attempt > 1 {
            return None;
        }
        let warm = self.agents.head_start(&agent.agent)?;
        let want = want(agent.clone(), &request.origin);
        let takes = self.takes_over(&want)?;
        let state = self.state.lock();
        let choice = state.pool.choose(&want);
        let is_warm = state.served.warm(&request.origin, Instant::now()).is_some_and(|last| {
            let prefer = Some(Arc::clone(&last.worker));
            let choice = state.pool.choose(&Want { prefer, ..want.clone() });
            matches!(&choice, Choice::Take(worker, _) if worker == last)
        });
        // A worker that comes to another gateway could not take over from this one.
        let may_come_elsewhere = choice == Choice::Missing && self.serving.has_others();
        (!is_warm && !may_come_elsewhere).then_some((warm, takes))
    }

    /// The worker that last served the session of `origin`, while it is warm there.
    pub(super) fn last_served(&self, origin: &Origin) -> Option<Arc<str>> {
        let state = self.state.lock();
        state.served.warm(origin, Instant::now()).map(|worker| Arc::clone(&worker.worker))
    }

    pub(super) fn note_served(&self, origin: &Origin, slot: &Slot) {
        let now = Instant::now();
        self.state.lock().served.note(
            origin,
            &slot.worker,
            now + Duration::from_millis(TURN_WARM_MS),
            now,
        );
    }

    /// Room for a piece of work, as soon as there is some here. Where a newer version or a better
    /// place is at another gateway, none is taken here. Cancel-safe.
    pub async fn place(self: &Arc<Self>, want: Want) -> Slot {
        loop {
            self.until_here(&want).await;
            let (placed, waited) = oneshot::channel();
            {
                let mut state = self.state.lock();
                match state.pool.choose(&want) {
                    Choice::Take(worker, version) => {
                        return self.take(&mut state, worker, version, &want);
                    }
                    Choice::Full => {
                        if state.evict_for(&want) {
                            self.note_change();
                        }
                    }
                    Choice::Missing => {}
                }
                let queue = state.waiting.entry(want.agent.clone()).or_default();
                // Those who gave up leave their places behind.
                if queue.len().is_power_of_two() {
                    queue.retain(|waiter| !waiter.placed.is_closed());
                }
                queue.push_back(Waiter { want: want.clone(), placed });
            }
            if let Ok(slot) = waited.await {
                return slot;
            }
        }
    }

    /// Could `want` be placed, here or at another gateway, if there were room?
    pub fn can_serve(&self, want: &Want) -> bool {
        let here = self.state.lock().pool.choose(want) != Choice::Missing;
        here || self.is_served_elsewhere(want)
    }

    /// Takes a run over that a worker has brought along.
    pub(crate) fn adopt(
        self: &Arc<Self>,
        key: &WorkerKey,
        id: &str,
        acked: u64,
        depth: usize,
    ) -> Option<Work> {
        let mut state = self.state.lock();
        let generation = state.pool.take(key, depth);
        self.note_change();
        let (worker, version) = (key.clone(), "".into());
        let workers = Arc::clone(self);
        let slot = Slot { workers, worker, version, spec: None, depth, generation };
        let Some(entry) = state.workers.get_mut(key) else {
            drop(state);
            return None;
        };
        let piece = Arc::new(Piece::adopted(id.into(), Arc::clone(&entry.outbox), acked));
        entry.pieces.insert(Arc::clone(&piece.id), Arc::clone(&piece));
        drop(state);
        Some(Work { piece, over: false, if_dropped: Cause::Cancelled, answers: None, slot })
    }

    pub(super) fn begin(&self, slot: Slot, id: &str, opening: GatewayFrame) -> Work {
        let mut state = self.state.lock();
        let piece = match state.workers.get_mut(&slot.worker) {
            Some(entry) => {
                let outbox = Arc::clone(&entry.outbox);
                let piece = Arc::new(Piece::new(id.into(), outbox, opening.clone()));
                entry.pieces.insert(Arc::clone(&piece.id), Arc::clone(&piece));
                entry.outbox.push(opening);
                piece
            }
            // It left since the slot was given.
            None => {
                let piece = Piece::new(id.into(), Arc::new(Outbox::new(0)), opening);
                piece.lose(Cause::WorkerLost);
                Arc::new(piece)
            }
        };
        drop(state);
        Work { piece, over: false, if_dropped: Cause::Cancelled, answers: None, slot }
    }

    /// A piece of work is over.
    pub(super) fn end(&self, worker: &WorkerKey, piece: &Arc<Piece>) {
        let mut state = self.state.lock();
        state.parked.remove(piece);
        if let Some(entry) = state.workers.get_mut(worker) {
            // A later piece may have the same name.
            if entry.pieces.get(&piece.id).is_some_and(|held| Arc::ptr_eq(held, piece)) {
                entry.pieces.remove(&piece.id);
            }
            if entry.draining && entry.pieces.is_empty() {
                entry.outbox.close(tidegate_protocol::link::codes::DONE, "drained");
            }
        }
    }

    pub(super) fn give_back(self: &Arc<Self>, slot: &Slot) {
        let placed = {
            let mut state = self.state.lock();
            state.pool.give_back(&slot.worker, slot.depth, slot.generation);
            let agents = state.pool.agents_of(&slot.worker);
            self.note_change();
            self.assign(&mut state, &agents)
        };
        deliver(placed);
    }

    pub(super) fn set_parked(&self, piece: &Arc<Piece>, slot: &Slot, parked: bool) {
        let mut state = self.state.lock();
        if state.parked.remove(piece) || parked {
            self.note_change();
        }
        if parked && state.workers.get(&slot.worker).is_some_and(|entry| entry.draining) {
            piece.ask_to_leave();
        } else if parked {
            state.parked.add(piece, &slot.worker, slot.depth);
            // Somebody may have waited for a run that could be asked to leave.
            let waiting = state.waiting.values().flatten();
            let wants: Vec<_> = waiting
                .filter(|waiter| !waiter.placed.is_closed())
                .map(|waiter| waiter.want.clone())
                .filter(|want| want.depth == slot.depth)
                .filter(|want| state.pool.candidates(want).contains(&slot.worker))
                .take(1)
                .collect();
            for want in wants {
                state.evict_for(&want);
            }
        }
    }

    /// Gives room to those who wait for one of `agents`.
    pub(super) fn assign(self: &Arc<Self>, state: &mut State, agents: &[AgentKey]) -> Placed {
        let mut placed = Vec::new();
        for agent in agents {
            let mut queue = state.waiting.remove(agent).unwrap_or_default();
            let mut left = VecDeque::with_capacity(queue.len());
            while let Some(waiter) = queue.pop_front() {
                if waiter.placed.is_closed() {
                    continue;
                }
                match state.pool.choose(&waiter.want) {
                    Choice::Take(worker, version) => {
                        let slot = self.take(state, worker, version, &waiter.want);
                        placed.push((waiter.placed, slot));
                    }
                    // Those behind may want another version or depth.
                    Choice::Full | Choice::Missing => left.push_back(waiter),
                }
            }
            if !left.is_empty() {
                state.waiting.insert(agent.clone(), left);
            }
        }
        placed
    }

    fn take(
        self: &Arc<Self>,
        state: &mut State,
        worker: WorkerKey,
        version: Arc<str>,
        want: &Want,
    ) -> Slot {
        let (depth, generation) = (want.depth, state.pool.take(&worker, want.depth));
        let spec = state.pool.spec(&worker, &want.agent).cloned();
        self.note_change();
        Slot { workers: Arc::clone(self), worker, version, spec, depth, generation }
    }
}

impl State {
    /// Asks the longest parked run that stands in the way to leave. Was there one?
    fn evict_for(&mut self, want: &Want) -> bool {
        let candidates = self.pool.candidates(want);
        self.parked.evict(want.depth, &candidates)
    }
}

/// Outside the lock: a slot that nobody takes any more gives its room back.
pub(super) fn deliver(placed: Placed) {
    for (waiter, slot) in placed {
        drop(waiter.send(slot));
    }
}
