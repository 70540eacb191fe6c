//! Response bodies.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::ai_sdk::answer::Answer;
use crate::s2::session::Appends;
use crate::self_test::Trial;
use crate::service::connection::InFlight;
use crate::sse::reader::Reader;

/// The body was broken off, so that the client does not take it for whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the gateway broke the body off")]
pub struct Cut;

/// The body of every response: small, so that an idle reader costs little.
#[derive(Debug)]
pub struct Body {
    kind: Kind,
    /// Tells the connection that a response is under way.
    guard: Option<InFlight>,
}

#[derive(Debug)]
enum Kind {
    Empty,
    Full(Bytes),
    Reader(Box<Reader>),
    Answer(Box<Answer>),
    Appends(Box<Appends>),
    Trial(Box<Trial>),
}

impl Body {
    /// Nothing.
    pub fn empty() -> Self {
        Self { kind: Kind::Empty, guard: None }
    }

    pub(crate) fn reader(reader: Reader) -> Self {
        Self { kind: Kind::Reader(Box::new(reader)), guard: None }
    }

    pub(crate) fn answer(answer: Answer) -> Self {
        Self { kind: Kind::Answer(Box::new(answer)), guard: None }
    }

    pub(crate) fn appends(appends: Appends) -> Self {
        Self { kind: Kind::Appends(Box::new(appends)), guard: None }
    }

    pub(crate) fn trial(trial: Trial) -> Self {
        Self { kind: Kind::Trial(Box::new(trial)), guard: None }
    }

    pub(crate) fn hold(&mut self, guard: InFlight) {
        self.guard = Some(guard);
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self { kind: Kind::Full(bytes.into()), guard: None }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let body = self.get_mut();
        let data = match &mut body.kind {
            Kind::Empty => Poll::Ready(None),
            Kind::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                body.kind = Kind::Empty;
                Poll::Ready(Some(bytes).filter(|bytes| !bytes.is_empty()))
            }
            Kind::Reader(reader) => match reader.poll_data(cx) {
                Poll::Ready(None) if reader.is_cut() => return Poll::Ready(Some(Err(Cut))),
                data => data,
            },
            Kind::Answer(answer) => answer.poll_data(cx),
            Kind::Appends(appends) => appends.poll_data(cx),
            Kind::Trial(trial) => trial.poll_data(cx),
        };
        data.map(|data| data.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Empty => true,
            Kind::Full(bytes) => bytes.is_empty(),
            Kind::Reader(reader) => reader.is_done(),
            Kind::Answer(answer) => answer.is_done(),
            Kind::Appends(appends) => appends.is_done(),
            Kind::Trial(trial) => trial.is_done(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Reader(_) | Kind::Answer(_) | Kind::Appends(_) | Kind::Trial(_) => {
                SizeHint::default()
            }
        }
    }
}
