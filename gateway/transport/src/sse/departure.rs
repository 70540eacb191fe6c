//! When a read leaves a gateway that drains.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tidegate_core::Gateway;
use tokio::time::{Sleep, sleep};

use crate::drain::{Phase, Watch};

/// What the drain asks of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Nothing.
    Stay,
    /// Its moment has come; it may wait for the boundary of the turn that it follows (R-DRN-4).
    LeaveAtBoundary,
    /// No turn runs here any more: it leaves with what there is.
    LeaveAtTail,
    /// It leaves.
    Leave,
}

/// See the module. Costs nothing until the drain begins.
#[derive(Debug)]
pub(crate) struct Departure {
    drain: Watch,
    moment: Option<Pin<Box<Sleep>>>,
    due: bool,
}

impl Departure {
    pub(crate) fn new(drain: Watch) -> Self {
        Self { drain, moment: None, due: false }
    }

    /// What is asked now; the task is woken when that changes.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, gateway: &Gateway) -> Asked {
        let phase = self.drain.poll(cx);
        if phase < Phase::Draining {
            return Asked::Stay;
        }
        if !self.due {
            let chosen = || self.drain.moment(gateway.entropy(), Duration::MAX);
            let moment = self.moment.get_or_insert_with(|| Box::pin(sleep(chosen())));
            if moment.as_mut().poll(cx) == Poll::Pending && phase < Phase::Stopped {
                return Asked::Stay;
            }
            self.due = true;
        }
        match phase {
            Phase::Up | Phase::Leaving | Phase::Draining => Asked::LeaveAtBoundary,
            Phase::Ending => Asked::LeaveAtTail,
            Phase::Stopped => Asked::Leave,
        }
    }
}
