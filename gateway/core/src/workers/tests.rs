//! Who gets room at which worker, and when.

use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::sync::Arc;

use futures_util::FutureExt;
use tidegate_protocol::link::{AgentSpec, Cause, GatewayFrame, Hello, Mode, codes};

use super::outbox::{Out, Outbox};
use super::piece::WorkEvent;
use super::pool::{Want, WorkerKey};
use super::registry::Workers;
use super::work::{Slot, Work};
use crate::access::{Access, Environment};
use crate::agents::{AgentKey, Agents};
use crate::fleet::Serving;
use crate::seams::Entropy;
use crate::seams::clock::SystemClock;

#[derive(Debug)]
struct Nothing;

impl Entropy for Nothing {
    fn next_u128(&self) -> u128 {
        0
    }
}

fn workers() -> Arc<Workers> {
    let environment = Environment::new("dev", vec!["tr_dev_x".to_owned()]);
    let access = Access::new(vec![environment], Arc::new(SystemClock));
    let agents = Agents::new(HashMap::new());
    let serving = Serving::new(None, Arc::new(Nothing));
    let (agents, access) = (Arc::new(agents), Arc::new(access));
    Arc::new(Workers::new(agents, access, Arc::new(Nothing), Arc::new(serving)))
}

fn key(worker: &str) -> WorkerKey {
    WorkerKey { environment: "dev".into(), worker: worker.into() }
}

fn join(workers: &Arc<Workers>, worker: &str, epoch: u64, capacity: usize) -> Arc<Outbox> {
    let agents = vec![AgentSpec::new("a", Mode::Runs)];
    let hello = Hello { worker: worker.to_owned(), epoch, capacity, agents, work: Vec::new() };
    workers.attach(&key(worker), &hello, &[0; 8])
}

fn want(depth: usize) -> Want {
    Want { agent: AgentKey::new("dev", "a"), version: None, depth, prefer: None }
}

fn now<F: Future>(future: &mut Pin<&mut F>) -> Option<F::Output> {
    future.as_mut().now_or_never()
}

fn placed(workers: &Arc<Workers>) -> Option<Slot> {
    workers.place(want(0)).now_or_never()
}

fn begin(slot: Slot, id: &str) -> Work {
    slot.begin(id, GatewayFrame::Pong)
}

fn event(work: &Work) -> Option<WorkEvent> {
    work.next().now_or_never()
}

#[test]
fn who_waits_first_is_served_first() {
    let workers = workers();
    let (mut first, mut second) = (pin!(workers.place(want(0))), pin!(workers.place(want(0))));
    assert!(now(&mut first).is_none() && now(&mut second).is_none());
    join(&workers, "w", 1, 1);
    assert!(now(&mut second).is_none(), "the first one has the room");
    let slot = now(&mut first).expect("there is room");
    assert!(now(&mut second).is_none());
    drop(slot);
    assert_eq!(&**now(&mut second).expect("it was given back").worker(), "w");
}

#[test]
fn who_gave_up_does_not_keep_the_room() {
    let workers = workers();
    {
        let mut gone = pin!(workers.place(want(0)));
        assert!(now(&mut gone).is_none());
    }
    let mut unread = Box::pin(workers.place(want(0)));
    assert!(unread.as_mut().now_or_never().is_none());
    let mut next = pin!(workers.place(want(0)));
    assert!(now(&mut next).is_none());
    join(&workers, "w", 1, 1);
    // Its slot is on the way to it already.
    drop(unread);
    assert!(now(&mut next).is_some());
}

#[test]
fn the_longest_parked_run_makes_room() {
    let workers = workers();
    join(&workers, "w", 1, 2);
    let first = begin(placed(&workers).expect("room"), "1");
    let second = begin(placed(&workers).expect("room"), "2");
    let mut third = pin!(workers.place(want(0)));
    assert!(now(&mut third).is_none());
    assert!(event(&first).is_none() && event(&second).is_none(), "both work");
    second.set_parked(true);
    assert!(matches!(event(&second), Some(WorkEvent::Evict)), "somebody waits already");
    first.set_parked(true);
    let mut fourth = pin!(workers.place(want(0)));
    assert!(now(&mut fourth).is_none());
    assert!(matches!(event(&first), Some(WorkEvent::Evict)));
    assert!(event(&second).is_none(), "it was asked before");
    second.finish();
    assert!(now(&mut third).is_some());
}

#[test]
fn a_run_that_works_again_is_not_asked_to_leave() {
    let workers = workers();
    join(&workers, "w", 1, 1);
    let work = begin(placed(&workers).expect("room"), "1");
    work.set_parked(true);
    work.set_parked(false);
    let mut waiting = pin!(workers.place(want(0)));
    assert!(now(&mut waiting).is_none() && event(&work).is_none());
}

#[test]
fn a_parked_run_makes_room_for_its_own_depth() {
    let workers = workers();
    join(&workers, "w", 1, 1);
    let parent = begin(placed(&workers).expect("room"), "1");
    let child = workers.place(want(1)).now_or_never().expect("room of its own");
    let child = begin(child, "2");
    let (mut top, mut below) = (pin!(workers.place(want(0))), pin!(workers.place(want(1))));
    assert!(now(&mut top).is_none() && now(&mut below).is_none());
    child.set_parked(true);
    assert!(matches!(event(&child), Some(WorkEvent::Evict)), "the second in the queue wants it");
    assert!(event(&parent).is_none());
}

#[test]
fn a_draining_worker_takes_nothing_and_is_let_go_when_it_is_empty() {
    let workers = workers();
    let outbox = join(&workers, "w", 1, 3);
    let (parked, busy) = (placed(&workers).expect("room"), placed(&workers).expect("room"));
    let (parked, busy) = (begin(parked, "1"), begin(busy, "2"));
    parked.set_parked(true);
    workers.drain(&key("w"));
    assert!(matches!(event(&parked), Some(WorkEvent::Evict)));
    assert!(event(&busy).is_none());
    assert!(placed(&workers).is_none());
    parked.finish();
    let sent = |outbox: &Outbox| std::iter::from_fn(|| outbox.next(1).now_or_never()).last();
    assert!(!matches!(sent(&outbox), Some(Out::Close(..))), "it still holds something");
    busy.finish();
    assert!(matches!(sent(&outbox), Some(Out::Close(codes::DONE, _))));
}

#[test]
fn a_lost_worker_loses_its_work_and_its_room() {
    let workers = workers();
    join(&workers, "w", 1, 1);
    let work = begin(placed(&workers).expect("room"), "1");
    workers.lose(&key("w"), 1, Cause::WorkerLost);
    assert!(event(&work).is_none(), "it is connected");
    assert!(workers.detach(&key("w"), 1));
    assert!(placed(&workers).is_none(), "nothing new for a link that was cut");
    workers.lose(&key("w"), 1, Cause::WorkerLost);
    assert!(matches!(event(&work), Some(WorkEvent::Lost(Cause::WorkerLost))));
    join(&workers, "w", 1, 1);
    let next = placed(&workers).expect("a new worker of the same name");
    drop(work);
    assert!(placed(&workers).is_none(), "what the old one gives back is not the new one's");
    drop(next);
    assert!(placed(&workers).is_some());
}

#[test]
fn a_worker_that_comes_back_in_time_keeps_its_work() {
    let workers = workers();
    join(&workers, "w", 1, 1);
    let work = begin(placed(&workers).expect("room"), "1");
    assert!(workers.detach(&key("w"), 1));
    join(&workers, "w", 2, 1);
    workers.lose(&key("w"), 1, Cause::WorkerLost);
    assert!(event(&work).is_none(), "the older link's end says nothing any more");
    assert!(placed(&workers).is_none(), "its room is in use still");
    assert!(!workers.detach(&key("w"), 1));
}

#[test]
fn work_for_a_worker_that_has_just_left_is_lost_at_once() {
    let workers = workers();
    join(&workers, "w", 1, 1);
    let slot = placed(&workers).expect("room");
    workers.detach(&key("w"), 1);
    workers.lose(&key("w"), 1, Cause::WorkerLost);
    let work = begin(slot, "1");
    assert!(matches!(event(&work), Some(WorkEvent::Lost(Cause::WorkerLost))));
}

#[tokio::test]
async fn many_that_wait_are_all_served() {
    let workers = workers();
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let workers = Arc::clone(&workers);
            tokio::spawn(async move { drop(workers.place(want(0)).await) })
        })
        .collect();
    tokio::task::yield_now().await;
    join(&workers, "w", 1, 3);
    for task in tasks {
        task.await.expect("no panic");
    }
    let slots: Vec<_> = (0..4).filter_map(|_| placed(&workers)).collect();
    assert_eq!(slots.len(), 3, "all of the room was given back");
}
