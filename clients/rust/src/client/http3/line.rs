//! One connection: requests, and the bodies of their answers.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Buf, Bytes};
use futures_util::future::{Either, select};
use futures_util::stream::unfold;
use h3::client::{Connection, RequestStream, SendRequest};
use h3::error::{Code, StreamError};
use h3_quinn::{OpenStreams, RecvStream, SendStream};
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tidegate_protocol::limits::{H3_STREAMS_MAX, HEADERS_MAX_BYTES};

use crate::client::error::Error;
use crate::client::http::Body;
use crate::net::Quic;

/// See the module. It is closed when neither the client nor an answer has it any more.
pub(super) struct Line {
    requests: SendRequest<OpenStreams, Bytes>,
    was_good: AtomicBool,
}

/// What has to be polled until the connection has ended.
pub(super) type Driver = Connection<h3_quinn::Connection, Bytes>;

/// Why a request has no answer.
pub(super) enum Failed {
    /// The gateway has not taken it up: it may be sent again.
    Unsent(Error),
    /// What became of it is not known.
    Unknown(Error),
}

impl Line {
    pub(super) async fn dial(quic: &Quic) -> Result<(Arc<Self>, Driver), Error> {
        let connection = quic.dial().await;
        let connection = connection.map_err(|error| Error::unreachable(error.to_string()))?;
        let begun = h3::client::builder()
            .max_field_section_size(HEADERS_MAX_BYTES as u64)
            .send_grease(false)
            .build(h3_quinn::Connection::new(connection))
            .await;
        let (driver, requests) = begun.map_err(|error| Error::unreachable(error.to_string()))?;
        let line = Self { requests, was_good: AtomicBool::new(false) };
        Ok((Arc::new(line), driver))
    }

    /// May it have one more request? The gateway bounds those at one time.
    pub(super) fn has_room(self: &Arc<Self>) -> bool {
        // The pool has it as well.
        Arc::strong_count(self) <= H3_STREAMS_MAX as usize
    }

    /// Has it brought an answer?
    pub(super) fn was_good(&self) -> bool {
        self.was_good.load(Ordering::Relaxed)
    }

    /// The beginning of an answer; its body keeps the connection.
    pub(super) async fn send(
        self: Arc<Self>,
        request: Request<Bytes>,
    ) -> Result<Response<Body>, Failed> {
        let (mut head, body) = request.into_parts();
        if !body.is_empty() {
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        let mut requests = self.requests.clone();
        let exchange = requests.send_request(Request::from_parts(head, ())).await;
        let exchange = exchange.map_err(|error| Failed::Unsent(unreachable(&error)))?;
        let (up, mut down) = exchange.split();
        let head = {
            let sending = pin!(Sending { stream: up, is_whole: false }.send(body));
            let answer = pin!(down.recv_response());
            match select(answer, sending).await {
                // It does not want to know the rest.
                Either::Left((head, _)) => head,
                // Where it was not taken, the answer says why.
                Either::Right(((), answer)) => answer.await,
            }
        };
        let head = head.map_err(|error| match error {
            StreamError::RemoteTerminate { code } if code == Code::H3_REQUEST_REJECTED => {
                Failed::Unsent(unreachable(&error))
            }
            error => Failed::Unknown(unreachable(&error)),
        })?;
        self.was_good.store(true, Ordering::Relaxed);
        Ok(head.map(|()| Receiving { stream: down, _line: self }.body()))
    }
}

/// A request's body. What is not sent whole must not be taken for the whole.
struct Sending {
    stream: RequestStream<SendStream<Bytes>, Bytes>,
    is_whole: bool,
}

impl Sending {
    async fn send(mut self, body: Bytes) {
        if !body.is_empty() && self.stream.send_data(body).await.is_err() {
            return;
        }
        self.is_whole = self.stream.finish().await.is_ok();
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if !self.is_whole {
            self.stream.stop_stream(Code::H3_REQUEST_CANCELLED);
        }
    }
}

/// An answer's body. When it is dropped, QUIC tells the gateway that the rest is not wanted.
struct Receiving {
    stream: RequestStream<RecvStream, Bytes>,
    _line: Arc<Line>,
}

impl Receiving {
    fn body(self) -> Body {
        let frames = unfold(Some(self), |receiving: Option<Self>| async {
            let mut receiving = receiving?;
            let data = poll_fn(|cx| {
                let data = receiving.stream.poll_recv_data(cx);
                data.map_ok(|data| data.map(|mut data| data.copy_to_bytes(data.remaining())))
            });
            match data.await {
                Ok(None) => None,
                Ok(Some(data)) => Some((Ok(Frame::data(data)), Some(receiving))),
                Err(error) => Some((Err(unreachable(&error)), None)),
            }
        });
        StreamBody::new(frames).boxed_unsync()
    }
}

fn unreachable(error: &StreamError) -> Error {
    Error::unreachable(error.to_string())
}
