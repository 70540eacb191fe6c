//! Linked agents whose turn loop the gateway runs: one `turn` frame, one answer (mode `turns`).

use std::sync::{Arc, Weak};

use bytes::Bytes;
use futures_util::stream::unfold;
use serde_json::Value;
use serde_json::value::RawValue;
use tidegate_protocol::ErrorCode;
use tidegate_protocol::ids::base36;
use tidegate_protocol::link::{Cause, GatewayFrame, Refusal, TurnFrame, WorkerFrame};
use tidegate_protocol::ui::parse_js;

use super::piece::WorkEvent;
use super::pool::Want;
use super::registry::Workers;
use super::stepping::{Next, Stepping};
use super::work::{Slot, Work};
use crate::agents::AgentKey;
use crate::seams::backend::{
    Abilities, AnswerStream, BackendError, BackendFault, Chunk, Origin, TurnRequest,
};
use crate::seams::steering::Steering;
use crate::seams::{AgentBackend, BoxFuture};

/// See the module.
#[derive(Debug)]
pub(super) struct LinkBackend {
    // The registry of agents, which holds backends, is one of the workers' own parts.
    workers: Weak<Workers>,
    agent: AgentKey,
    abilities: Abilities,
}

/// An answer that a worker gives.
struct Answering {
    state: State,
    /// Taken from the worker and handed on; acknowledged once the engine comes back for more,
    /// for then it is committed.
    handed_on: Option<u64>,
    /// What the worker was handed over, until it is known to have come.
    hand_over: Option<GatewayFrame>,
    origin: Arc<Origin>,
}

enum State {
    Asking(Arc<Workers>, Box<TurnRequest>, AgentKey),
    /// The gateway makes the first step.
    Stepping(Box<Stepping>, Option<Arc<Steering>>),
    Answering(Work, Option<Arc<Steering>>),
    Over,
}

pub(super) type Item = Result<Vec<Chunk>, BackendError>;

impl LinkBackend {
    pub(super) fn new(workers: &Arc<Workers>, agent: AgentKey, abilities: Abilities) -> Self {
        Self { workers: Arc::downgrade(workers), agent, abilities }
    }
}

impl AgentBackend for LinkBackend {
    fn answer(&self, request: TurnRequest) -> AnswerStream {
        let origin = Arc::clone(&request.origin);
        let state = match self.workers.upgrade() {
            Some(workers) => self.begin(workers, request),
            None => State::Over,
        };
        let answering = Answering { state, handed_on: None, hand_over: None, origin };
        Box::pin(unfold(answering, Answering::step))
    }

    fn abilities(&self) -> Abilities {
        self.abilities
    }

    fn warm_up(&self) {
        let workers = self.workers.upgrade();
        if let Some(warm) = workers.and_then(|workers| workers.warm_place(&self.agent.agent)) {
            warm.warm_up();
        }
    }

    fn better_place(&self, origin: &Origin) -> Option<BoxFuture<'static, String>> {
        let workers = self.workers.upgrade()?;
        let want = want(self.agent.clone(), origin);
        Some(Box::pin(async move { workers.room_elsewhere(&want).await }))
    }
}

impl LinkBackend {
    fn begin(&self, workers: Arc<Workers>, request: TurnRequest) -> State {
        match workers.head_start(&self.agent, &request) {
            Some((warm, takes)) => {
                let steering = request.steering.clone();
                let request = TurnRequest { tools: takes.tools, ..request };
                let agent = self.agent.clone();
                let stepping = Stepping::begin(&workers, request, agent, warm, takes.calls);
                State::Stepping(Box::new(stepping), steering)
            }
            None => State::Asking(workers, Box::new(request), self.agent.clone()),
        }
    }
}

impl Answering {
    /// The next item of the answer. Dropping the future, or the stream, cancels the work.
    async fn step(mut self) -> Option<(Item, Self)> {
        loop {
            match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return None,
                State::Asking(workers, request, agent) => {
                    let steering = request.steering.clone();
                    let slot = place(&workers, agent, &request.origin).await;
                    let work = ask(&workers, *request, slot, false).answers(&self.origin);
                    self.state = State::Answering(work, steering);
                    // It has found its place, and stays.
                    return Some((Ok(Vec::new()), self));
                }
                State::Stepping(mut stepping, steering) => match stepping.next().await {
                    Next::Item(item) => {
                        if item.is_ok() {
                            self.state = State::Stepping(stepping, steering);
                        }
                        return Some((item, self));
                    }
                    Next::HandedOver(work, frame) => {
                        self.hand_over = frame;
                        self.state = State::Answering(work.answers(&self.origin), steering);
                        return Some((Ok(Vec::new()), self));
                    }
                },
                State::Answering(work, steering) => {
                    if let Some(seq) = self.handed_on.take() {
                        work.acknowledge(seq);
                    }
                    let event = match &steering {
                        Some(steering) => tokio::select! {
                            event = work.next() => event,
                            record = steering.offered() => {
                                work.send(GatewayFrame::inputs(work.id(), vec![record]));
                                self.state = State::Answering(work, Some(Arc::clone(steering)));
                                continue;
                            }
                        },
                        None => work.next().await,
                    };
                    if let Some(item) = self.take(event, work, steering) {
                        return Some((item, self));
                    }
                    if matches!(self.state, State::Over) {
                        return None;
                    }
                }
            }
        }
    }

    fn take(
        &mut self,
        event: WorkEvent,
        work: Work,
        steering: Option<Arc<Steering>>,
    ) -> Option<Item> {
        if let WorkEvent::Frame(_) = &event {
            self.hand_over = None;
        }
        let item = match event {
            WorkEvent::Frame(frame) => match *frame {
                WorkerFrame::Out(out) => match chunks(&out.chunks) {
                    Ok(chunks) => {
                        self.handed_on = Some(out.seq);
                        Some(Ok(chunks))
                    }
                    Err(refusal) => {
                        work.refuse(out.seq, refusal);
                        None
                    }
                },
                WorkerFrame::Injected(injected) => {
                    if let Some(steering) = &steering {
                        steering.inject(&injected.inputs);
                    }
                    self.handed_on = Some(injected.seq);
                    // An empty item, so that the engine hears of it in its place.
                    Some(Ok(Vec::new()))
                }
                WorkerFrame::Done(done) => {
                    work.acknowledge(done.seq);
                    work.finish();
                    return done.error.map(|text| Err(failure(BackendFault::Invalid, text)));
                }
                _ => None,
            },
            WorkEvent::Lost(cause) => {
                let text = format!("the agent's worker was lost ({})", cause.as_str());
                work.finish();
                return Some(Err(failure(BackendFault::Lost, text)));
            }
            WorkEvent::Resumed { .. } => {
                self.hand_over.iter().for_each(|frame| work.send(frame.clone()));
                None
            }
            WorkEvent::Evict => None,
        };
        self.state = State::Answering(work, steering);
        item
    }
}

/// Room for an answer.
pub(super) async fn place(workers: &Arc<Workers>, agent: AgentKey, origin: &Origin) -> Slot {
    let prefer = workers.last_served(origin);
    workers.place(Want { prefer, ..want(agent, origin) }).await
}

/// Asks the worker that has room for the answer; with `head_start` for what comes before it.
pub(super) fn ask(workers: &Workers, request: TurnRequest, slot: Slot, head_start: bool) -> Work {
    let origin = Arc::clone(&request.origin);
    let id = format!("t_{}", base36(workers.entropy(), 20));
    let frame = TurnFrame {
        id: id.clone(),
        run: origin.run.to_string(),
        session: origin.session.to_string(),
        chat: request.chat_id.to_string(),
        agent: request.agent.to_string(),
        version: slot.version().to_string(),
        turn: request.turn,
        attempt: request.attempt,
        cause: (request.attempt > 1).then_some(Cause::WorkerLost),
        trigger: request.trigger.as_str().to_owned(),
        messages: request.messages,
        answer_id: request.answer_id.to_string(),
        continues: request.continues,
        head_start,
        message_id: request.message_id,
        metadata: request.metadata,
        action: request.action,
        rest: request.rest,
        token: workers.turn_token(&origin, request.attempt),
    };
    slot.begin(&id, GatewayFrame::Turn(Box::new(frame))).if_dropped(Cause::Stopped)
}

pub(super) fn want(agent: AgentKey, origin: &Origin) -> Want {
    Want { agent, version: origin.version.clone(), depth: origin.depth, prefer: None }
}

/// A chunk must be an object with a type, whatever the grammar makes of it then.
fn chunks(raw: &[Box<RawValue>]) -> Result<Vec<Chunk>, Refusal> {
    let one = |raw: &RawValue| {
        let value: Value = parse_js(raw.get()).ok()?;
        value.get("type").is_some_and(Value::is_string).then(|| {
            let raw = Bytes::copy_from_slice(raw.get().as_bytes());
            Chunk { raw, value }
        })
    };
    raw.iter().map(|raw| one(raw)).collect::<Option<_>>().ok_or_else(|| {
        let text = "a chunk must be a JSON object with a type; nothing of this frame was taken";
        Refusal::new(ErrorCode::InvalidBody, text)
    })
}

pub(super) fn failure(kind: BackendFault, message: String) -> BackendError {
    BackendError { kind, message }
}
