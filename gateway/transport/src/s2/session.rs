//! An append session: frames come up the request's body while acknowledgements go down the
//! response's (R-S2-12).
//!
//! One frame at a time is committed, and nothing is read meanwhile, so that a client that sends
//! faster than the store takes it is held up by its own flow control.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Body;
use tidegate_core::Gateway;
use tidegate_core::error::Result;
use tidegate_core::seams::store::Appended;
use tidegate_core::streams::write::WriteGrant;
use tidegate_protocol::ApiError;
use tidegate_protocol::s2::frame::{self, Decoder};
use tidegate_protocol::s2::proto;

use super::{append, refusal};
use crate::metrics::StreamPermit;
use crate::service::errors;
use crate::service::finish::ToTheEnd;
use crate::service::request_body::RequestBody;

/// The acknowledgements of one session.
pub(crate) struct Appends {
    gateway: Gateway,
    grant: WriteGrant,
    body: RequestBody,
    frames: Decoder,
    committing: Option<ToTheEnd<Result<Appended>>>,
    done: bool,
    _permit: StreamPermit,
}

impl Appends {
    pub(super) fn new(
        gateway: Gateway,
        grant: WriteGrant,
        body: RequestBody,
        permit: StreamPermit,
    ) -> Self {
        let frames = Decoder::default();
        Self { gateway, grant, body, frames, committing: None, done: false, _permit: permit }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    /// The next acknowledgement, or the frame that ends the session.
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        while !self.done {
            if let Some(committing) = &mut self.committing {
                let committed = ready!(Pin::new(committing).poll(cx));
                self.committing = None;
                return Poll::Ready(Some(match committed {
                    Ok(appended) => {
                        let ack = append::acknowledge(appended);
                        frame::encode(&proto::encode_ack(&ack)).into()
                    }
                    Err(error) => self.refuse(&error),
                }));
            }
            if let Err(error) = self.begin_next() {
                return Poll::Ready(Some(self.refuse(&error)));
            }
            if self.committing.is_none() {
                match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                    Some(Ok(part)) => {
                        let data = part.into_data().unwrap_or_default();
                        self.frames.push(&data);
                    }
                    // The client is gone; what it was told stands.
                    Some(Err(_)) => self.done = true,
                    None => return Poll::Ready(self.finish()),
                }
            }
        }
        Poll::Ready(None)
    }

    /// Begins the append of the next frame that is whole.
    fn begin_next(&mut self) -> Result<()> {
        if let Some(frame) = self.frames.next_frame().map_err(refusal::frame)? {
            self.committing = Some(append::write_frame(&self.gateway, &self.grant, frame)?);
        }
        Ok(())
    }

    fn finish(&mut self) -> Option<Bytes> {
        self.done = true;
        self.frames.finish().err().map(|error| self.refuse(&refusal::frame(error)))
    }

    fn refuse(&mut self, error: &ApiError) -> Bytes {
        self.done = true;
        frame::encode_terminal(error.code.status(), &errors::s2_json(error)).into()
    }
}

impl fmt::Debug for Appends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Appends").field("grant", &self.grant).finish_non_exhaustive()
    }
}
