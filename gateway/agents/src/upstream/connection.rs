//! One HTTP/1.1 connection. It is driven by whoever waits for it and by no task of its own: a
//! chunk needs one wake, and dropping the connection closes the socket on the spot.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::connect::Io;

type Driver = Pin<Box<http1::Connection<TokioIo<Box<dyn Io>>, Full<Bytes>>>>;

/// An open connection.
pub(super) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: Driver,
    closed: bool,
}

impl Connection {
    /// Over a fresh byte stream.
    pub(super) async fn open(io: Box<dyn Io>) -> hyper::Result<Self> {
        let (sender, driver) = http1::handshake(TokioIo::new(io)).await?;
        Ok(Self { sender, driver: Box::pin(driver), closed: false })
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> hyper::Result<Response<Incoming>> {
        let mut head = pin!(self.sender.send_request(request));
        let (driver, closed) = (&mut self.driver, &mut self.closed);
        poll_fn(|cx| {
            // Polled first and last: the request goes out and the answer is seen in one wake.
            if let Poll::Ready(answer) = head.as_mut().poll(cx) {
                return Poll::Ready(answer);
            }
            drive(driver, closed, cx);
            head.as_mut().poll(cx)
        })
        .await
    }

    /// Moves bytes; false once the connection is closed.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) -> bool {
        drive(&mut self.driver, &mut self.closed, cx);
        !self.closed
    }

    /// Is it ready for a next request?
    pub(super) fn is_idle(&mut self, cx: &mut Context<'_>) -> bool {
        self.drive(cx) && matches!(self.sender.poll_ready(cx), Poll::Ready(Ok(())))
    }

    /// The same, of one that nobody waits for.
    pub(super) fn is_kept(&mut self) -> bool {
        poll_fn(|cx| self.is_idle(cx).into()).now_or_never() == Some(true)
    }
}

fn drive(driver: &mut Driver, closed: &mut bool, cx: &mut Context<'_>) {
    // An error reaches the head or the body too, so it needs no second way out.
    *closed = *closed || driver.as_mut().poll(cx).is_ready();
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("closed", &self.closed).finish_non_exhaustive()
    }
}
