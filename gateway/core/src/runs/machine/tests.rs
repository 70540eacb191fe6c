//! Runs that come and go around a first step that the gateway makes.

use serde_json::json;
use tidegate_protocol::limits::RUN_ATTEMPTS_MAX;
use tidegate_protocol::link::Cause;
use tidegate_protocol::transcript::Blob;
use tidegate_protocol::{NewRecord, control};

use super::first_step::FirstStep;
use super::head_start::OutState;
use super::state::{Effect, Machine, RunLimits};
use crate::agents::TakesOver;
use crate::head_start::{CANT_GO_ON, Outcome};
use crate::runs::book::Book;
use crate::runs::opened::{ByGateway, HeadStart};
use crate::seams::ToolSchema;
use crate::seams::backend::{BackendError, BackendFault, Chunk, TurnRequest};
use crate::seams::store::Op;
use crate::turns::answer::Answer;

/// A session whose message waits, and what the machine wants.
struct World {
    machine: Machine,
    now: u64,
    fence: u64,
    /// Steps that were begun.
    steps: u32,
    /// A run is to be placed.
    placing: bool,
    boots: u32,
    /// Tails of `.in` and `.out`.
    input: u64,
    out: u64,
    /// The error chunks and boundaries that the gateway wrote.
    ends: Vec<String>,
}

impl World {
    fn new() -> Self {
        let limits = RunLimits { idle_ms: 60_000 };
        let mut machine = Machine::new(Book::default(), None, limits, 0);
        machine.offer_head_start(true);
        let mut world = Self {
            machine,
            now: 0,
            fence: 0,
            steps: 0,
            placing: false,
            boots: 0,
            input: 0,
            out: 0,
            ends: Vec::new(),
        };
        let message = json!({"id": "u1", "role": "user", "parts": []});
        let payload = json!({"trigger": "submit-message", "message": message});
        world.append(&NewRecord::text(
            &json!({"kind": "message", "payload": payload}).to_string(),
            "x",
        ));
        world
    }

    fn append(&mut self, record: &NewRecord) {
        let record = record.clone().at(self.input, self.now);
        self.input += 1;
        self.note_out();
        self.machine.handle_input(&record, self.now);
        self.perform();
    }

    fn note_out(&mut self) {
        let (tail, written_at) = (self.out, self.now);
        self.machine.note_out(OutState { tail, written_at, erred: false });
    }

    fn perform(&mut self) {
        while let Some(effect) = self.machine.poll_effect() {
            match effect {
                Effect::BeginStep(input) => self.begin_step(input),
                Effect::Place => self.placing = true,
                Effect::Unplace => self.placing = false,
                Effect::Boot => self.boots += 1,
                Effect::Commit(ops) => self.commit(ops),
                _ => {}
            }
        }
    }

    fn commit(&mut self, ops: Vec<Op>) {
        for op in ops {
            let Op::Append(append) = op else { continue };
            let to_in = append.channel == tidegate_protocol::ids::Channel::IN;
            for record in append.records {
                if to_in {
                    self.append(&record);
                    continue;
                }
                self.out += 1;
                let text = String::from_utf8_lossy(&record.body).into_owned();
                if text.contains("error") {
                    self.ends.push(text);
                } else if control::is_new_boundary(&record) {
                    self.ends.push("boundary".to_owned());
                }
            }
        }
    }

    fn begin_step(&mut self, input: Option<u64>) {
        self.steps += 1;
        let by_gateway = Some(ByGateway { input, answer_id: "m".to_owned(), out_start: self.out });
        let open = HeadStart {
            message: "u1".to_owned(),
            first: true,
            at: self.now,
            wait_ms: 60_000,
            by_gateway,
            handed: None,
        };
        let step = FirstStep::new(Answer::new(TurnRequest::sample(1), None), Blob::default());
        self.machine.handle_first_step(open, step, self.now);
    }

    /// A worker has room that takes over `takes`; its run begins, if it may.
    fn place(&mut self, takes: Option<&TakesOver>) {
        assert!(std::mem::take(&mut self.placing), "no run is wanted");
        self.machine.handle_placed(self.now);
        self.fence += 1;
        self.note_out();
        if self.machine.handle_takes(takes, self.now) {
            self.machine.handle_fenced(self.fence, "1", "w", self.now);
            self.perform();
            self.machine.handle_ready(self.now);
        }
        self.perform();
    }

    fn show(&mut self, chunks: &[serde_json::Value]) {
        let chunks = chunks.iter().cloned().map(Chunk::of).collect();
        assert!(!self.machine.handle_step_chunks(chunks, self.now));
        self.perform();
    }

    fn end_step(&mut self, outcome: Outcome) {
        self.machine.handle_step_end(outcome, self.now);
        self.perform();
    }

    fn lose(&mut self) {
        self.note_out();
        self.machine.handle_lost(Cause::WorkerLost, self.now);
        self.perform();
    }

    /// The run leaves by itself.
    fn leave(&mut self) {
        self.note_out();
        self.machine.handle_exit(None, self.now);
        self.perform();
    }

    fn is_handed(&self) -> bool {
        let open = self.machine.book().head_start.as_ref();
        open.is_some_and(|open| open.handed.is_some())
    }
}

fn text() -> [serde_json::Value; 4] {
    [
        json!({"type": "start"}),
        json!({"type": "text-start", "id": "t"}),
        json!({"type": "text-delta", "id": "t", "delta": "Hm."}),
        json!({"type": "text-end", "id": "t"}),
    ]
}

fn call() -> [serde_json::Value; 1] {
    [json!({"type": "tool-input-available", "toolCallId": "1", "toolName": "a", "input": {}})]
}

fn takes(calls: bool, tool: &str) -> TakesOver {
    let tool = ToolSchema {
        name: tool.to_owned(),
        description: None,
        parameters: json!({}),
        needs_approval: false,
    };
    TakesOver { calls, tools: [tool].into() }
}

fn failed() -> Outcome {
    Outcome::Failed(BackendError { kind: BackendFault::Invalid, message: "refused".to_owned() })
}

#[test]
fn a_run_that_left_is_followed_by_another_once_there_is_something_for_it() {
    let takes = takes(true, "a");
    for outcome in [Outcome::Final, Outcome::Text] {
        let mut world = World::new();
        world.place(Some(&takes));
        world.show(&text());
        world.leave();
        for _ in 0..3 {
            world.now += 10_000;
            world.note_out();
            world.machine.handle_timeout(world.now);
            world.perform();
            assert!(!world.placing, "there is nothing for another");
            assert!(!world.machine.is_idle(), "its driver stays");
        }
        world.end_step(outcome);
        assert!(world.is_handed());
        world.place(Some(&takes));
        assert_eq!((world.boots, world.steps), (2, 1));
        assert!(world.ends.is_empty());
    }
}

#[test]
fn it_is_followed_by_another_where_nothing_comes_of_the_step() {
    let mut world = World::new();
    world.place(Some(&takes(true, "a")));
    world.leave();
    assert!(!world.placing);
    world.end_step(failed());
    world.place(Some(&takes(true, "a")));
    assert_eq!((world.boots, world.steps), (2, 1), "the agent makes the step");
    assert!(world.machine.book().head_start.is_none() && world.machine.is_answering());
    // Nothing it was handed, so it is one of those that the budget counts.
    for _ in 0..RUN_ATTEMPTS_MAX {
        world.leave();
        world.now += 1_000;
        world.machine.handle_timeout(world.now);
        world.perform();
        if world.placing {
            world.place(Some(&takes(true, "a")));
        }
    }
    assert_eq!(world.boots, 1 + RUN_ATTEMPTS_MAX);
    assert_eq!(world.ends.len(), 2, "{:?}", world.ends);
}

#[test]
fn a_message_behind_it_waits_like_any_other() {
    let mut world = World::new();
    world.place(Some(&takes(true, "a")));
    world.show(&text());
    world.leave();
    let message = json!({"id": "u2", "role": "user", "parts": []});
    let payload = json!({"trigger": "submit-message", "message": message});
    let message = json!({"kind": "message", "payload": payload}).to_string();
    world.append(&NewRecord::text(&message, "y"));
    assert!(!world.placing);
    world.append(&NewRecord::text(r#"{"kind":"stop"}"#, "s"));
    assert_eq!(world.ends, ["boundary"]);
    assert!(world.placing, "the stop ended the turn, and the next one begins");
    assert_eq!(world.steps, 2);
}

#[test]
fn workers_that_die_while_the_step_runs_end_the_turn_and_not_at_once() {
    let takes = takes(true, "a");
    let mut world = World::new();
    world.place(Some(&takes));
    world.show(&text());
    world.lose();
    assert!(world.placing, "the first one may have died of anything");
    world.place(Some(&takes));
    world.lose();
    assert!(!world.placing, "there is a pause");
    world.now = world.machine.poll_timeout().expect("it is waited for");
    world.note_out();
    world.machine.handle_timeout(world.now);
    world.perform();
    world.place(Some(&takes));
    world.lose();
    assert!(!world.placing);
    assert_eq!(world.boots, RUN_ATTEMPTS_MAX);
    assert_eq!((world.ends.len(), world.ends[1].as_str()), (2, "boundary"), "{:?}", world.ends);
    assert!(world.machine.is_idle());
}

#[test]
fn a_run_that_takes_nothing_over_makes_the_answer() {
    for is_over in [false, true] {
        let mut world = World::new();
        if is_over {
            // Somebody was handed that there is nothing, and was lost.
            world.place(Some(&takes(true, "a")));
            world.end_step(failed());
            assert!(world.is_handed());
            world.lose();
        }
        world.place(None);
        assert!(world.machine.book().head_start.is_none() && world.machine.is_live());
        assert!(world.machine.is_answering() && world.ends.is_empty());
        let hand_over = NewRecord::text(
            r#"{"kind":"handover","partialAssistantMessage":[],"isFinal":false}"#,
            "h",
        );
        assert!(!world.machine.shows(&hand_over.at(1, 0)), "nor does it see one");
    }
}

#[test]
fn what_is_shown_goes_to_no_run_that_cant_go_on_from_it() {
    let cases = [
        (None, false, false),
        (None, true, false),
        (Some(takes(false, "a")), false, true),
        (Some(takes(false, "a")), true, false),
        (Some(takes(true, "b")), true, false),
        (Some(takes(true, "a")), true, true),
    ];
    for (takes, calls, begins) in cases {
        let mut world = World::new();
        world.show(&text());
        if calls {
            world.show(&call());
        }
        world.end_step(if calls { Outcome::Calls } else { Outcome::Final });
        world.place(takes.as_ref());
        assert_eq!(world.boots > 0, begins, "{takes:?} {calls}");
        if begins {
            assert!(world.ends.is_empty());
        } else {
            let [error, boundary] = &world.ends[..] else { panic!("{:?}", world.ends) };
            assert!(error.contains(CANT_GO_ON) && boundary == "boundary");
            assert!(world.machine.is_idle());
        }
    }
}
