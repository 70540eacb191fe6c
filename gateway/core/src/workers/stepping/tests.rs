//! Turns with a head start, and what becomes of them as workers come, go and differ.

use futures_util::{FutureExt, StreamExt, stream};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tidegate_protocol::limits::{TURN_ATTEMPTS_MAX, TURN_WARM_MS};
use tidegate_protocol::link::{AgentSpec, Cause, Done, Hello, Mode, Out, TakesOver, TurnFrame};
use tokio::sync::mpsc;

use super::super::backend::LinkBackend;
use super::super::outbox::{self, Outbox};
use super::super::pool::WorkerKey;
use super::*;
use crate::access::{Access, Environment};
use crate::agents::{Agent, Agents, Service};
use crate::fleet::Serving;
use crate::seams::AgentBackend;
use crate::seams::Entropy;
use crate::seams::backend::{Abilities, AnswerStream, Chunk, Origin};
use crate::seams::clock::SystemClock;

type Given = Result<Vec<Value>, &'static str>;

/// The warm backend: gives what a test tells it.
#[derive(Debug, Default)]
struct Model {
    asked: Mutex<Vec<(mpsc::Sender<Given>, Vec<String>)>>,
}

impl AgentBackend for Model {
    fn answer(&self, request: TurnRequest) -> AnswerStream {
        let (say, said) = mpsc::channel::<Given>(16);
        let tools = request.tools.iter().map(|tool| tool.name.clone()).collect();
        self.asked.lock().push((say, tools));
        Box::pin(stream::unfold(said, |mut said| async move {
            let item = said.recv().await?;
            let item = item.map(|list| list.into_iter().map(Chunk::of).collect());
            Some((item.map_err(|text| failure(BackendFault::Invalid, text.to_owned())), said))
        }))
    }

    fn abilities(&self) -> Abilities {
        Abilities::default()
    }
}

#[derive(Debug)]
struct Count(Mutex<u128>);

impl Entropy for Count {
    fn next_u128(&self) -> u128 {
        *self.0.lock() += 1;
        *self.0.lock()
    }
}

struct World {
    workers: Arc<Workers>,
    model: Arc<Model>,
    backend: LinkBackend,
}

/// A worker, and what it was sent.
struct Linked {
    key: WorkerKey,
    outbox: Arc<Outbox>,
}

impl World {
    fn new() -> Self {
        let model = Arc::new(Model::default());
        let backend: Arc<dyn AgentBackend> = Arc::<Model>::clone(&model);
        let (wait_ms, step_ms) = (600_000, 600_000);
        let warm = HeadStart { backend, hedge: None, tools: None, wait_ms, step_ms };
        let (service, head_start) = (Service::Awaited, Some(Arc::new(warm)));
        let agent = Agent { service, stop_on_disconnect: false, head_start };
        let agents = Arc::new(Agents::new([("a".to_owned(), agent)].into()));
        let environment = Environment::new("dev", vec!["tr_dev_x".to_owned()]);
        let access = Arc::new(Access::new(vec![environment], Arc::new(SystemClock)));
        let entropy: Arc<dyn Entropy> = Arc::new(Count(Mutex::default()));
        let serving = Arc::new(Serving::new(None, Arc::clone(&entropy)));
        let workers = Arc::new(Workers::new(agents, access, entropy, serving));
        let agent = AgentKey::new("dev", "a");
        let backend = LinkBackend::new(&workers, agent, Abilities::default());
        Self { workers, model, backend }
    }

    /// A worker of `version` that takes over `handover`, and has `tools`.
    fn link(
        &self,
        name: &str,
        version: &str,
        handover: Option<TakesOver>,
        tools: &[&str],
    ) -> Linked {
        let key = WorkerKey { environment: "dev".into(), worker: name.into() };
        let tools = tools.iter().map(|name| json!({"name": name})).collect();
        let spec = AgentSpec::new("a", Mode::Turns);
        let spec = AgentSpec { version: version.to_owned(), handover, tools, ..spec };
        let (worker, agents, work) = (name.to_owned(), vec![spec], Vec::new());
        let hello = Hello { worker, epoch: 1, capacity: 1, agents, work };
        let outbox = self.workers.attach(&key, &hello, &[version.len() as u64]);
        Linked { key, outbox }
    }

    fn lose(&self, worker: &Linked) {
        assert!(self.workers.detach(&worker.key, 1));
        self.workers.lose(&worker.key, 1, Cause::WorkerLost);
    }

    /// The worker says something of the work.
    fn say(&self, worker: &Linked, frame: WorkerFrame) {
        let piece = self.workers.piece(&worker.key, frame.work_id().expect("of work"));
        piece.expect("it is held").receive(frame, 1).expect("in order");
    }

    fn ask(&self, turn: u64) -> AnswerStream {
        self.backend.answer(request(turn))
    }

    /// What the model says in the newest step.
    fn tell(&self, item: Given) {
        self.model.asked.lock().last().expect("asked").0.try_send(item).expect("it listens");
    }

    /// The tools that the model was told of, of each step.
    fn told(&self) -> Vec<Vec<String>> {
        self.model.asked.lock().iter().map(|(_, tools)| tools.clone()).collect()
    }
}

impl Linked {
    /// The frames that it was sent since the last look.
    fn sent(&self) -> Vec<GatewayFrame> {
        let next = || match self.outbox.next(1).now_or_never() {
            Some(outbox::Out::Frame(frame)) => Some(frame),
            _ => None,
        };
        std::iter::from_fn(next).collect()
    }

    fn turn(&self) -> Option<Box<TurnFrame>> {
        self.sent().into_iter().find_map(|frame| match frame {
            GatewayFrame::Turn(turn) => Some(turn),
            _ => None,
        })
    }

    fn handed(&self) -> Option<Handed> {
        self.sent().into_iter().find_map(|frame| match frame {
            GatewayFrame::Handover(frame) => Some(frame.outcome),
            _ => None,
        })
    }
}

fn request(turn: u64) -> TurnRequest {
    let origin = Arc::new(Origin { environment: "dev".into(), ..Origin::default() });
    TurnRequest { origin, ..TurnRequest::sample(turn) }
}

/// Everything that is there of an answer: the types of its chunks, and its end.
fn drain(answer: &mut AnswerStream) -> (Vec<String>, Option<Result<(), String>>) {
    let mut types = Vec::new();
    loop {
        match answer.next().now_or_never() {
            None => return (types, None),
            Some(None) => return (types, Some(Ok(()))),
            Some(Some(Err(error))) => return (types, Some(Err(error.message))),
            Some(Some(Ok(chunks))) => types.extend(
                chunks.iter().map(|chunk| chunk.value["type"].as_str().unwrap_or("").to_owned()),
            ),
        }
    }
}

fn text() -> Given {
    Ok(vec![
        json!({"type": "start"}),
        json!({"type": "start-step"}),
        json!({"type": "text-start", "id": "t"}),
        json!({"type": "text-delta", "id": "t", "delta": "Hm."}),
        json!({"type": "text-end", "id": "t"}),
    ])
}

fn call(tool: &str) -> Given {
    let input =
        json!({"type": "tool-input-available", "toolCallId": tool, "toolName": tool, "input": {}});
    Ok(vec![input, json!({"type": "finish-step"})])
}

const CALLS: Option<TakesOver> = Some(TakesOver::Calls);
const TEXT: Option<TakesOver> = Some(TakesOver::Text);

fn types_of_call(types: &[String]) -> bool {
    types.iter().any(|kind| kind.starts_with("tool-"))
}

#[tokio::test(start_paused = true)]
async fn the_step_is_made_for_what_every_worker_of_the_version_takes_over() {
    let world = World::new();
    let _old = world.link("w1", "1", CALLS, &["old"]);
    let _new = world.link("w2", "v2", CALLS, &["a", "b"]);
    let _ask = world.ask(1);
    assert_eq!(world.told(), [["a", "b"]], "of the version that the turn goes to");
    // One that calls itself the same and has less.
    let third = world.link("w3", "v2", CALLS, &["b", "c"]);
    let _ask = world.ask(2);
    assert_eq!(world.told()[1], ["b"]);
    let _fourth = world.link("w4", "v2", None, &[]);
    let _ask = world.ask(3);
    assert_eq!(world.told().len(), 2, "no head start");
    world.lose(&third);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_takes_only_text_is_handed_no_calls() {
    let world = World::new();
    let first = world.link("w1", "1", CALLS, &["a"]);
    let mut held = world.ask(1);
    drain(&mut held);
    assert!(first.turn().is_some(), "it has no room for another");
    let mut answer = world.ask(2);
    drain(&mut answer);
    let second = world.link("w2", "v2", TEXT, &["a"]);
    drain(&mut answer);
    assert!(second.turn().is_some_and(|turn| turn.head_start));
    world.tell(text());
    world.tell(call("a"));
    let (types, end) = drain(&mut answer);
    assert!(!types_of_call(&types) && end.is_none(), "{types:?} {end:?}");
    assert_eq!(second.handed(), Some(Handed::Text));
}

#[tokio::test(start_paused = true)]
async fn a_worker_gets_no_calls_of_tools_that_it_does_not_have() {
    let world = World::new();
    let _first = world.link("w1", "1", CALLS, &["a", "b"]);
    let mut held = world.ask(1);
    drain(&mut held);
    for (tool, outcome) in [("a", Handed::Text), ("b", Handed::Calls)] {
        let mut answer = world.ask(2);
        drain(&mut answer);
        let second = world.link("w2", "v2", CALLS, &["b", "c"]);
        drain(&mut answer);
        world.tell(text());
        world.tell(call(tool));
        drain(&mut answer);
        assert_eq!(second.handed(), Some(outcome), "{tool}");
        drop(answer);
        world.lose(&second);
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_takes_nothing_over_answers_by_itself() {
    let world = World::new();
    let _first = world.link("w1", "1", CALLS, &["a"]);
    let mut held = world.ask(1);
    drain(&mut held);
    let mut answer = world.ask(2);
    drain(&mut answer);
    let second = world.link("w2", "v2", None, &["a"]);
    drain(&mut answer);
    let turn = second.turn().expect("it has room");
    assert!(!turn.head_start, "it would not understand");
    assert!(world.model.asked.lock()[1].0.is_closed(), "the step was given up");
    world.say(&second, WorkerFrame::Done(Done { id: turn.id, seq: 1, error: None }));
    assert_eq!(drain(&mut answer), (Vec::new(), Some(Ok(()))));
}

#[tokio::test(start_paused = true)]
async fn what_is_shown_goes_to_nobody_who_cant_go_on() {
    for (handover, tools) in [(None, vec![]), (TEXT, vec!["a"]), (CALLS, vec!["b"])] {
        let world = World::new();
        let _first = world.link("w1", "1", CALLS, &["a"]);
        let mut held = world.ask(1);
        drain(&mut held);
        let mut answer = world.ask(2);
        drain(&mut answer);
        world.tell(text());
        world.tell(call("a"));
        let (types, end) = drain(&mut answer);
        assert!(types_of_call(&types) && end.is_none());
        let second = world.link("w2", "v2", handover, &tools);
        let (_, end) = drain(&mut answer);
        assert_eq!(end, Some(Err(CANT_GO_ON.to_owned())));
        assert!(second.turn().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_is_warm_at_the_worker_that_answered_its_last_turn() {
    let world = World::new();
    let worker = world.link("w1", "1", CALLS, &["a"]);
    let mut answer = world.ask(1);
    drain(&mut answer);
    let turn = worker.turn().expect("it has room");
    world.tell(Err("refused"));
    drain(&mut answer);
    assert_eq!(worker.handed(), Some(Handed::Skip));
    let chunk = serde_json::value::to_raw_value(&json!({"type": "start"})).expect("JSON");
    let out = Out { id: turn.id.clone(), seq: 1, chunks: vec![chunk], records: Vec::new() };
    world.say(&worker, WorkerFrame::Out(out));
    drain(&mut answer);
    world.say(&worker, WorkerFrame::Done(Done { id: turn.id, seq: 2, error: None }));
    assert_eq!(drain(&mut answer).1, Some(Ok(())));
    drop(answer);
    let mut answer = world.ask(2);
    drain(&mut answer);
    assert!(worker.turn().is_some_and(|turn| !turn.head_start), "it is warm");
    // It is stopped.
    tokio::time::advance(Duration::from_millis(TURN_WARM_MS)).await;
    drop(answer);
    let mut answer = world.ask(3);
    drain(&mut answer);
    assert!(worker.turn().is_some_and(|turn| !turn.head_start), "it worked on it until now");
    assert_eq!(world.told().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn workers_that_die_of_a_turn_end_it_and_not_at_once() {
    for is_silent in [true, false] {
        let world = World::new();
        let mut answer = {
            let _known = world.link("w0", "1", CALLS, &["a"]);
            let answer = world.ask(1);
            world.lose(&_known);
            answer
        };
        drain(&mut answer);
        if !is_silent {
            world.tell(text());
        }
        let mut boots = 0;
        let end = loop {
            let worker = world.link(&format!("w{}", boots + 1), "1", CALLS, &["a"]);
            let (_, end) = drain(&mut answer);
            if boots >= 2 {
                assert!(worker.turn().is_none(), "there is a pause");
                tokio::time::advance(Duration::from_millis(RETRY_PAUSE_MS)).await;
                drain(&mut answer);
            } else if end.is_some() {
                break end;
            }
            if worker.turn().is_some() {
                boots += 1;
            }
            world.lose(&worker);
            if let (_, Some(end)) = drain(&mut answer) {
                break Some(end);
            }
        };
        assert_eq!(boots, TURN_ATTEMPTS_MAX);
        assert_eq!(end, Some(Err(format!("{TURN_ATTEMPTS_MAX} workers were lost"))));
    }
}
