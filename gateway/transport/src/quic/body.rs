//! The body of a request over HTTP/3.

use std::fmt;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h3::error::StreamError;
use h3::server::RequestStream;

use super::wire::{Allowance, Receive};

/// What is left to read of a request.
pub(crate) struct Upload {
    stream: RequestStream<Receive, Bytes>,
    allowance: Allowance,
    ended: bool,
}

impl Upload {
    pub(super) fn new(stream: RequestStream<Receive, Bytes>, allowance: Allowance) -> Self {
        Self { stream, allowance, ended: false }
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
        self.ended = !matches!(data, Ok(Some(_)));
        Poll::Ready(data.transpose())
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("ended", &self.ended).finish_non_exhaustive()
    }
}
