//! The body of a request over HTTP/3.

use std::fmt;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h3::error::{Code, StreamError};
use h3::server::RequestStream;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;

use super::wire::{Allowance, Receive};

/// What is left to read of a request.
pub(crate) struct Upload {
    stream: RequestStream<Receive, Bytes>,
    allowance: Allowance,
    ended: bool,
    /// What is still to come, if the request says how long it is.
    left: Option<u64>,
}

impl Upload {
    pub(super) fn new(stream: RequestStream<Receive, Bytes>, allowance: Allowance) -> Self {
        Self { stream, allowance, ended: false, left: None }
    }

    /// Of a request that may say how long it is: what is not as long is not taken for the whole.
    pub(super) fn of(self, headers: &HeaderMap) -> Self {
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        Self { left: length.and_then(|length| length.parse().ok()), ..self }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.ended
    }

    pub(crate) fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, StreamError>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let data = ready!(self.stream.poll_recv_data(cx));
        self.allowance.renew();
        let data = data.map(|data| data.map(|mut data| data.copy_to_bytes(data.remaining())));
        let data = data.and_then(|data| self.counted(data));
        self.ended = !matches!(data, Ok(Some(_)));
        Poll::Ready(data.transpose())
    }

    /// A client that gives up may end its stream as if it had sent all (RFC 9114, 4.1.2).
    fn counted(&mut self, data: Option<Bytes>) -> Result<Option<Bytes>, StreamError> {
        let Some(left) = self.left else { return Ok(data) };
        let left = match &data {
            Some(data) => left.checked_sub(data.len() as u64),
            None => (left == 0).then_some(0),
        };
        if left.is_none() {
            self.stream.stop_sending(Code::H3_MESSAGE_ERROR);
            let reason = "not as long as it says".to_owned();
            return Err(StreamError::StreamError { code: Code::H3_MESSAGE_ERROR, reason });
        }
        self.left = left;
        Ok(data)
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("ended", &self.ended).finish_non_exhaustive()
    }
}
