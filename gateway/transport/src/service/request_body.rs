//! Request bodies of every HTTP version.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;

use crate::quic::body::Upload;

/// The body of every request.
#[derive(Debug)]
pub(crate) enum RequestBody {
    /// Over HTTP/1.1 and HTTP/2.
    Tcp(Incoming),
    /// Over HTTP/3.
    Quic(Box<Upload>),
    /// Of a request that has none.
    Nothing,
}

/// The rest of a body will not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body was cut off")]
pub(crate) struct CutOff;

impl From<Incoming> for RequestBody {
    fn from(body: Incoming) -> Self {
        Self::Tcp(body)
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        match self.get_mut() {
            Self::Tcp(body) => Pin::new(body).poll_frame(cx).map_err(|_| CutOff),
            Self::Quic(body) => body.poll_data(cx).map_ok(Frame::data).map_err(|_| CutOff),
            Self::Nothing => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Tcp(body) => body.is_end_stream(),
            Self::Quic(body) => body.is_at_end(),
            Self::Nothing => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Tcp(body) => body.size_hint(),
            Self::Quic(_) => SizeHint::default(),
            Self::Nothing => SizeHint::with_exact(0),
        }
    }
}
