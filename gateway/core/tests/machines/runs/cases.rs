//! What histories have found in the gateway's own first steps, each by itself.

use serde_json::json;
use tidegate_core::head_start::Outcome;
use tidegate_core::runs::machine::Effect;
use tidegate_core::seams::backend::{BackendFault, Chunk};
use tidegate_core::seams::store::{Append, Fate, Op, Writer};
use tidegate_protocol::NewRecord;
use tidegate_protocol::ids::Channel;
use tidegate_protocol::link::Cause;

use super::history::check;
use super::warm::{error, words_of};
use super::worker::Character;
use super::world::World;
use crate::support::inputs::{STOP, trigger};

/// A session whose run waits for room in vain.
fn waiting() -> World {
    let mut world = World::new(1, Character::Sound, false);
    world.offer_steps(true, false);
    world
}

/// A session whose run was booted before anything was asked.
fn preloaded() -> World {
    let mut world = waiting();
    world.now += 1_000;
    world.tick();
    world.place();
    assert_eq!(world.boots, 1);
    world
}

impl World {
    /// The backend says one word of step `number`.
    fn say(&mut self, number: usize) {
        let word = words_of(number);
        let delta = json!({"type": "text-delta", "id": "t", "delta": word});
        let chunks = [json!({"type": "start"}), json!({"type": "text-start", "id": "t"}), delta];
        let chunks = chunks.into_iter().map(Chunk::of).collect();
        assert!(!self.machine.handle_step_chunks(chunks, self.now), "they are good");
        self.perform();
    }

    /// The live run writes over HTTP.
    fn write_as_run(&mut self) {
        let append = Append {
            channel: Channel::OUT,
            writer: Writer::Run { fence: self.disk.fence },
            frame_key: None,
            records: vec![NewRecord::data(b"{}", "c")],
            owed: false,
        };
        self.commit(vec![Op::Append(append)]).expect("it is not fenced");
    }

    fn opened(&self) -> Option<String> {
        Some(self.machine.book().head_start.as_ref()?.message.clone())
    }
}

/// A stop that comes before the hand-over ends its turn; the next turn's step has its own.
#[test]
fn a_late_hand_over_is_not_taken_for_that_of_the_next_step() {
    let mut world = waiting();
    world.append_message();
    world.append_message();
    world.read_inputs();
    world.place();
    world.say(0);
    world.append(STOP, false);
    world.steps.warm = None;
    world.machine.handle_step_end(Outcome::Final, world.now);
    world.perform();
    world.read_inputs();
    assert_eq!(world.opened().as_deref(), Some("u2"));
    assert!(matches!(world.disk.fates[&3], Fate::Rejected { .. }), "{:?}", world.disk.fates);
    world.settle();
    check(&world);
}

/// A run that makes room for the step may have read the message, and not know that it is over.
#[test]
fn a_run_that_was_overtaken_writes_nothing_beside_the_step() {
    let mut world = preloaded();
    let fence = world.disk.fence;
    world.append_message();
    world.read_inputs();
    assert_eq!(world.opened().as_deref(), Some("u1"));
    assert!(world.disk.fence > fence, "its fence is raised before the step says anything");
    world.settle();
    check(&world);
}

/// It reads `.in` itself: what it has said would be said twice.
#[test]
fn a_run_that_answers_already_is_not_overtaken() {
    let mut world = preloaded();
    world.append_message();
    world.write_as_run();
    world.read_inputs();
    assert_eq!(world.opened(), None);
    world.settle();
    check(&world);
    assert_eq!(world.boots, 1, "the run that has begun goes on");
}

/// Where a run waits for room already, what comes before the message takes effect first.
#[test]
fn a_close_from_before_a_step_is_not_shown_to_its_run() {
    let mut world = waiting();
    world.now += 1_000;
    world.tick();
    world.append(&trigger("close"), false);
    world.append_message();
    world.read_inputs();
    assert_eq!(world.opened().as_deref(), Some("u1"));
    assert_eq!(world.disk.fates[&0], Fate::Applied { turn: None });
    world.settle();
    check(&world);
}

/// What an agent that is lost had taken over is in no later run's history as a message that waits.
#[test]
fn a_crash_behind_the_end_of_a_cut_turn_runs_no_tool_again() {
    let mut world = waiting();
    world.append_message();
    world.read_inputs();
    world.place();
    world.say(0);
    world.steps.warm = None;
    world.machine.handle_step_end(Outcome::Text, world.now);
    world.perform();
    world.read_inputs();
    world.write_as_run();
    world.note_out();
    world.machine.handle_lost(Cause::WorkerLost, world.now);
    while world.book().turn == 0 {
        match world.machine.poll_effect().expect("the turn ends") {
            Effect::KeepFloor => world.keep_floor(),
            Effect::Commit(ops) => drop(world.commit(ops).expect("not fenced")),
            _ => {}
        }
    }
    world.crash();
    let known = world.saved().and_then(|saved| saved.last_in_event_id);
    assert_eq!(known.as_deref(), Some("1"), "the message and the hand-over are settled");
    world.append_message();
    world.settle();
    check(&world);
}

/// Its last word is about a wait that is over.
#[test]
fn a_run_that_was_overtaken_does_not_park_the_next_one() {
    let mut world = preloaded();
    world.machine.handle_ready(world.now);
    world.append_message();
    world.read_inputs();
    world.machine.handle_parked(None, world.now);
    world.machine.handle_exit(None, world.now);
    assert!(world.machine.poll_effect().is_none(), "it was over before");
    world.steps.warm = None;
    world.machine.handle_step_end(Outcome::Failed(error(BackendFault::Timeout)), world.now);
    world.perform();
    world.character = Character::Hangs;
    world.settle();
    check(&world);
    assert!(matches!(world.disk.fates[&0], Fate::Rejected { .. }), "silence has an end");
}
