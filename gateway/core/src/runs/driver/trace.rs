//! What the trace shows of a head start: a span for its turn, from the opening to the boundary,
//! with the hand-over and the end in it. The step that the gateway makes has a span inside of it.

use tracing::{Span, info, info_span};

use crate::runs::book::Book;

/// The turn that has a head start, as far as the trace knows.
#[derive(Debug, Default)]
pub(super) struct Trace {
    turn: Option<Turn>,
}

#[derive(Debug)]
struct Turn {
    number: u64,
    span: Span,
    is_handed_over: bool,
}

impl Trace {
    /// A head start is opened in turn `number`. Gives the turn's span.
    pub(super) fn begin(&mut self, number: u64, by_gateway: bool) -> Span {
        self.end();
        let span = info_span!("turn", turn = number);
        span.in_scope(|| info!(by_gateway, "a head start is opened"));
        self.turn = Some(Turn { number, span: span.clone(), is_handed_over: false });
        span
    }

    /// Notes what has become of it.
    pub(super) fn look(&mut self, book: &Book) {
        let Some(open) = &book.head_start else { return self.end() };
        let number = book.turn + 1;
        if self.turn.as_ref().is_none_or(|turn| turn.number != number) {
            // Somebody else makes the step, or it began before a restart.
            self.begin(number, open.by_gateway.is_some());
        }
        if let (Some(turn), Some(handed)) = (&mut self.turn, open.handed)
            && !turn.is_handed_over
        {
            turn.is_handed_over = true;
            let (seq, is_final) = (handed.seq, handed.is_final);
            turn.span.in_scope(|| info!(seq, is_final, "the step is handed over"));
        }
    }

    /// The gateway ends the turn, for no agent does.
    pub(super) fn give_up(&self) {
        if let Some(turn) = &self.turn {
            turn.span.in_scope(|| info!("the head start is given up"));
        }
    }

    /// Does something in the span of the turn, if it has one.
    pub(super) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.turn {
            Some(turn) => turn.span.in_scope(work),
            None => work(),
        }
    }

    fn end(&mut self) {
        if let Some(turn) = self.turn.take() {
            turn.span.in_scope(|| info!("the head start is over"));
        }
    }
}
