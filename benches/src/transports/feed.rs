//! One SSE reader.

use std::rc::Rc;

use super::Tally;
use crate::net::{Events, Scanner};

/// Joins the parts of an answer and hands their records on.
#[derive(Debug)]
pub(super) struct Feed {
    events: Events,
    scanner: Scanner,
    tally: Rc<Tally>,
    reader: usize,
}

impl Feed {
    pub(super) fn new(tally: &Rc<Tally>, session: u32, first: u32) -> Self {
        let reader = tally.join(session, first);
        let (events, scanner) = (Events::default(), Scanner::default());
        Self { events, scanner, tally: tally.clone(), reader }
    }

    pub(super) fn push(&mut self, part: &[u8]) {
        let Self { events, scanner, tally, reader } = self;
        events.feed(part, |run| scanner.scan(run, |record| tally.see(*reader, &record)));
    }
}
