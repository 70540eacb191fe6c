use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::agents::{Agent, AgentKey, Agents, Registered, Service};
use crate::seams::ToolSchema;
use crate::seams::backend::Abilities;

type Given = Result<Vec<Value>, &'static str>;

/// Gives what a test sends it, once.
#[derive(Debug)]
struct Fake {
    items: parking_lot::Mutex<Option<mpsc::Receiver<Given>>>,
    tools: parking_lot::Mutex<Vec<String>>,
    seen: Arc<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    items: AtomicUsize,
    drops: AtomicUsize,
    warm_ups: AtomicUsize,
}

/// Counts the end of a stream.
struct Guard(Arc<Seen>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.drops.fetch_add(1, Ordering::Relaxed);
    }
}

impl AgentBackend for Fake {
    fn answer(&self, request: TurnRequest) -> AnswerStream {
        *self.tools.lock() = request.tools.iter().map(|tool| tool.name.clone()).collect();
        let items = self.items.lock().take().expect("asked once");
        let state = (items, Guard(Arc::clone(&self.seen)));
        Box::pin(stream::unfold(state, |(mut items, guard)| async move {
            let item = items.recv().await?;
            guard.0.items.fetch_add(1, Ordering::Relaxed);
            let failed = |text: &str| BackendError {
                kind: BackendFault::Unavailable,
                message: text.to_owned(),
            };
            let item = item.map(|list| list.into_iter().map(Chunk::of).collect());
            Some((item.map_err(failed), (items, guard)))
        }))
    }

    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    fn warm_up(&self) {
        self.seen.warm_ups.fetch_add(1, Ordering::Relaxed);
    }
}

struct Source {
    fake: Arc<Fake>,
    items: Option<mpsc::Sender<Given>>,
}

impl Source {
    fn new() -> Self {
        let (items, receiver) = mpsc::channel(16);
        let fake = Fake {
            items: Some(receiver).into(),
            tools: parking_lot::Mutex::default(),
            seen: Arc::default(),
        };
        Self { fake: Arc::new(fake), items: Some(items) }
    }

    fn send(&self, item: Given) {
        self.items.as_ref().expect("it is open").try_send(item).expect("there is room");
    }

    fn close(&mut self) {
        self.items = None;
    }

    fn items(&self) -> usize {
        self.fake.seen.items.load(Ordering::Relaxed)
    }

    fn drops(&self) -> usize {
        self.fake.seen.drops.load(Ordering::Relaxed)
    }
}

fn head_start(main: &Source, hedge: Option<&Source>) -> HeadStart {
    let backend = |source: &Source| Arc::clone(&source.fake) as Arc<dyn AgentBackend>;
    let (wait_ms, step_ms) = (1_000, 10_000);
    let (backend, hedge) = (backend(main), hedge.map(backend));
    HeadStart { backend, hedge, tools: None, wait_ms, step_ms }
}

fn tools(name: &str) -> Arc<[ToolSchema]> {
    let (name, parameters) = (name.to_owned(), json!({}));
    [ToolSchema { name, description: None, parameters, needs_approval: false }].into()
}

fn request() -> TurnRequest {
    TurnRequest { tools: tools("registered"), ..TurnRequest::sample(1) }
}

fn start() -> Given {
    Ok(vec![json!({"type": "start"}), json!({"type": "start-step"})])
}

fn word(word: &str) -> Given {
    Ok(vec![json!({"type": "text-delta", "id": "1", "delta": word})])
}

fn ends() -> Given {
    Ok(vec![json!({"type": "finish-step"}), json!({"type": "finish"})])
}

/// The texts that are shown until the step is over, and how that ended.
async fn run(step: &mut WarmStep) -> (String, Outcome) {
    let mut text = String::new();
    loop {
        match step.next().await {
            StepEvent::Chunks(chunks) => {
                assert!(!chunks.is_empty());
                let deltas = chunks.iter().filter_map(|chunk| chunk.value["delta"].as_str());
                text.extend(deltas);
            }
            StepEvent::Ended(outcome) => return (text, outcome),
        }
    }
}

fn failed(message: &str, kind: BackendFault) -> Outcome {
    Outcome::Failed(BackendError { kind, message: message.to_owned() })
}

#[tokio::test]
async fn a_step_is_told_and_cut_off_at_its_end() {
    let main = Source::new();
    [start(), word("a"), word("b"), ends(), word("c")].into_iter().for_each(|item| main.send(item));
    let mut step = head_start(&main, None).begin(request(), true);
    assert_eq!(run(&mut step).await, ("ab".to_owned(), Outcome::Final));
    assert_eq!((main.items(), main.drops()), (4, 1));
    assert_eq!(*main.fake.tools.lock(), ["registered"]);
}

#[tokio::test]
async fn configured_tools_replace_the_registered_ones() {
    let mut main = Source::new();
    let mut head_start = head_start(&main, None);
    head_start.tools = Some(tools("configured"));
    let mut step = head_start.begin(request(), true);
    assert_eq!(*main.fake.tools.lock(), ["configured"]);
    main.close();
    assert!(matches!(run(&mut step).await.1, Outcome::Failed(_)));
    head_start.warm_up();
    assert_eq!(main.fake.seen.warm_ups.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn dropping_a_step_cancels_everything() {
    let (main, hedge) = (Source::new(), Source::new());
    main.send(start());
    let mut step = head_start(&main, Some(&hedge)).begin(request(), true);
    // A waiting caller that turns to something else loses nothing.
    let waited = tokio::time::timeout(Duration::from_millis(20), step.next()).await;
    assert!(waited.is_err());
    assert_eq!((main.items(), main.drops(), hedge.drops()), (1, 0, 0));
    drop(step);
    assert_eq!((main.drops(), hedge.drops()), (1, 1));
}

#[tokio::test]
async fn the_first_token_wins_and_the_other_is_cut_off() {
    let (main, hedge) = (Source::new(), Source::new());
    main.send(start());
    [start(), word("hedge")].into_iter().for_each(|item| hedge.send(item));
    let mut step = head_start(&main, Some(&hedge)).begin(request(), true);
    let StepEvent::Chunks(chunks) = step.next().await else { panic!("nothing was shown") };
    assert_eq!(chunks.len(), 3);
    assert_eq!((main.items(), main.drops(), hedge.drops()), (1, 1, 0));
    hedge.send(ends());
    assert_eq!(run(&mut step).await, (String::new(), Outcome::Final));
    assert_eq!(hedge.drops(), 1);
}

/// Both have a token at once: the loser's is never taken.
#[tokio::test]
async fn a_loser_is_not_polled_again() {
    let (main, hedge) = (Source::new(), Source::new());
    [word("main"), ends()].into_iter().for_each(|item| main.send(item));
    [word("hedge"), ends()].into_iter().for_each(|item| hedge.send(item));
    let mut step = head_start(&main, Some(&hedge)).begin(request(), true);
    assert_eq!(run(&mut step).await, ("main".to_owned(), Outcome::Final));
    assert_eq!((hedge.items(), hedge.drops()), (0, 1));
}

#[tokio::test]
async fn one_that_fails_early_leaves_the_step_to_the_other() {
    let (main, mut hedge) = (Source::new(), Source::new());
    [start(), Err("down")].into_iter().for_each(|item| main.send(item));
    let mut step = head_start(&main, Some(&hedge)).begin(request(), true);
    [word("hedge"), Err("cut off")].into_iter().for_each(|item| hedge.send(item));
    hedge.close();
    let cut_off = failed("cut off", BackendFault::Unavailable);
    assert_eq!(run(&mut step).await, ("hedge".to_owned(), cut_off));
    assert_eq!((main.drops(), hedge.drops()), (1, 1));
}

#[tokio::test]
async fn a_step_whose_backends_all_fail_has_failed() {
    let (main, hedge) = (Source::new(), Source::new());
    main.send(Err("down"));
    hedge.send(Err("down, too"));
    let mut step = head_start(&main, Some(&hedge)).begin(request(), true);
    let down = failed("down, too", BackendFault::Unavailable);
    assert_eq!(run(&mut step).await, (String::new(), down));
    assert_eq!((main.drops(), hedge.drops()), (1, 1));
}

/// Always has something more to say.
#[derive(Debug)]
struct Endless;

impl AgentBackend for Endless {
    fn answer(&self, _: TurnRequest) -> AnswerStream {
        let word = || word("a").map(|list| list.into_iter().map(Chunk::of).collect());
        Box::pin(stream::repeat_with(move || word().map_err(|_: &str| unreachable!())))
    }

    fn abilities(&self) -> Abilities {
        Abilities::default()
    }
}

#[tokio::test]
async fn a_step_that_never_ends_is_ended() {
    let mut head_start = head_start(&Source::new(), None);
    (head_start.backend, head_start.step_ms) = (Arc::new(Endless), 20);
    // Its driver is a task like any other.
    let mut step = head_start.begin(request(), true);
    let (text, outcome) = tokio::spawn(async move { run(&mut step).await }).await.unwrap();
    assert!(!text.is_empty());
    assert_eq!(outcome, failed("the head start took more than 20 ms", BackendFault::Timeout));
}

#[test]
fn an_agent_that_a_worker_registers_keeps_its_head_start() {
    let head_start = Arc::new(head_start(&Source::new(), None));
    let agent = Agent {
        service: Service::Awaited,
        stop_on_disconnect: false,
        head_start: Some(Arc::clone(&head_start)),
    };
    let agents = Agents::new([("a".to_owned(), agent)].into());
    let service = Service::Runs { records: true };
    let registered = Registered { service, version: "1".to_owned(), takes_over: None };
    agents.register(AgentKey::new("dev", "a"), registered);
    let found = agents.find("dev", "a").and_then(|agent| agent.head_start);
    for found in [found, agents.head_start("a")] {
        assert!(found.is_some_and(|found| Arc::ptr_eq(&found, &head_start)));
    }
    assert!(agents.head_start("b").is_none());
}

#[tokio::test]
async fn a_step_has_its_time() {
    let main = Source::new();
    [start(), word("a")].into_iter().for_each(|item| main.send(item));
    let mut head_start = head_start(&main, None);
    head_start.step_ms = 30;
    let mut step = head_start.begin(request(), true);
    let late = failed("the head start took more than 30 ms", BackendFault::Timeout);
    assert_eq!(run(&mut step).await, ("a".to_owned(), late));
    assert_eq!(main.drops(), 1);
}
