//! `GET /v1/self-test/stream`: a step is sent once the client has acknowledged the one before, so
//! what is held back on the way is found out without a clock on the client's side.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tidegate_core::error::Result;
use tidegate_protocol::limits::{SELF_TEST_STEPS, SELF_TEST_WAIT_MS};
use tokio::time::{Instant, Sleep, sleep};

use super::trials::Step;
use crate::body::Body;
use crate::drain::{Phase, Watch};
use crate::metrics::StreamPermit;
use crate::service::app::App;
use crate::service::respond::{self, Response};

const WAIT: Duration = Duration::from_millis(SELF_TEST_WAIT_MS);

/// Opens a trial.
pub(crate) fn open(app: &Arc<App>) -> Result<Response> {
    let permit = app.stream_permit()?;
    let first = app.trials.wait_for(app.gateway.entropy())?;
    let trial = Trial {
        drain: app.drain.watch(),
        app: Arc::clone(app),
        waiting: Some(first),
        number: 1,
        is_sent: false,
        timer: Box::pin(sleep(WAIT)),
        _permit: permit,
    };
    Ok(respond::event_stream(Body::trial(trial)))
}

/// The body of a self-test.
pub(crate) struct Trial {
    app: Arc<App>,
    drain: Watch,
    /// `None` once the verdict was given.
    waiting: Option<Step>,
    number: u32,
    is_sent: bool,
    timer: Pin<Box<Sleep>>,
    _permit: StreamPermit,
}

impl Trial {
    pub(crate) fn is_done(&self) -> bool {
        self.waiting.is_none()
    }

    /// The next step, or the verdict.
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Some(step) = &mut self.waiting else { return Poll::Ready(None) };
        if self.drain.poll(cx) != Phase::Up {
            // Without a verdict, which the client has to ask another gateway for.
            self.waiting = None;
            return Poll::Ready(None);
        }
        if !self.is_sent {
            self.is_sent = true;
            let data = json!({
                "step": self.number,
                "steps": SELF_TEST_STEPS,
                "acknowledge": format!("/v1/self-test/{}", step.nonce),
            });
            self.timer.as_mut().reset(Instant::now() + WAIT);
            return Poll::Ready(Some(event("step", &data)));
        }
        if Pin::new(&mut step.acknowledged).poll(cx).is_ready() {
            if self.number == SELF_TEST_STEPS {
                return self.decide(false);
            }
            // The place of the step that is done is free for the next one.
            self.waiting = None;
            match self.app.trials.wait_for(self.app.gateway.entropy()) {
                Ok(next) => self.waiting = Some(next),
                Err(_) => return Poll::Ready(None),
            }
            (self.number, self.is_sent) = (self.number + 1, false);
            return self.poll_data(cx);
        }
        match self.timer.as_mut().poll(cx) {
            Poll::Ready(()) => self.decide(true),
            Poll::Pending => Poll::Pending,
        }
    }

    fn decide(&mut self, buffered: bool) -> Poll<Option<Bytes>> {
        self.waiting = None;
        let data = json!({"buffered": buffered, "step": self.number, "steps": SELF_TEST_STEPS});
        Poll::Ready(Some(event("verdict", &data)))
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trial").field("number", &self.number).finish_non_exhaustive()
    }
}

fn event(name: &str, data: &serde_json::Value) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}
