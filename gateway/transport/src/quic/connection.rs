//! One connection: requests are taken up as they come, each in a task of its own, until it ends,
//! is idle for too long, or drains.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use h3::error::Code;
use h3::frame::FrameStream;
use h3::quic::{RecvStream, SendStream};
use h3::server::Builder;
use h3::stream::BufRecvStream;
use quinn::VarInt;
use tidegate_protocol::limits::{
    H3_REQUESTS_MAX, H3_STREAMS_FIRST, H3_STREAMS_MAX, QUIC_HANDSHAKE_TIMEOUT_MS,
};
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::request::Exchange;
use super::wire::{Stream, Wire};
use crate::listen::connection::{End, Verdict};
use crate::service::Service;
use crate::service::connection::Connection;
use crate::webtransport::hub::Hub;

/// How long a message to the peer may take while nothing else is done.
const MESSAGE_TIMEOUT: Duration = Duration::from_millis(QUIC_HANDSHAKE_TIMEOUT_MS);
/// How long a connection that has nothing more to do refuses requests before it is closed: they
/// were sent before the peer heard of it. Round trips, and their bounds.
const LINGER_TRIPS: u32 = 3;
const LINGER_MIN: Duration = Duration::from_millis(50);
const LINGER_MAX: Duration = Duration::from_secs(1);

const NO_ERROR: VarInt = VarInt::from_u32(0x100);

/// Serves requests on `quic`.
pub(super) async fn serve(quic: quinn::Connection, service: &Service, builder: &Builder) {
    let connection = service.connection(true, quic.remote_address().ip());
    // Boxed, as what is long gone in a connection's life should cost nothing then.
    let begun = Box::pin(timeout(MESSAGE_TIMEOUT, builder.build(Wire::new(quic.clone()))));
    let http = match begun.await {
        Ok(Ok(http)) => http,
        Ok(Err(error)) => return debug!(%error, "HTTP/3 did not begin"),
        Err(_) => return debug!("HTTP/3 did not begin in time"),
    };
    let end = End::new(&connection, service.app().limits.idle_timeout);
    let mut driver = Box::new(Driver {
        http,
        quic,
        service: service.clone(),
        connection,
        end,
        requests: TaskTracker::new(),
        hub: Arc::default(),
        wide: false,
        last: None,
        refused_from: None,
        over: None,
    });
    driver.run().await;
}

struct Driver {
    http: h3::server::Connection<Wire, Bytes>,
    quic: quinn::Connection,
    service: Service,
    connection: Connection,
    end: End,
    requests: TaskTracker,
    hub: Arc<Hub>,
    /// Has it room for as many requests as it may have?
    wide: bool,
    /// The newest stream that was taken up.
    last: Option<u64>,
    /// Said in GOAWAY: what is not taken up any more.
    refused_from: Option<u64>,
    /// Ready once the last request is done.
    over: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

enum Next {
    Stream(Box<Stream>),
    Finish,
    End,
}

impl Driver {
    async fn run(&mut self) {
        loop {
            match self.next().await {
                Next::Stream(stream) => self.take_up(stream),
                Next::Finish => self.finish().await,
                Next::End => break,
            }
            if self.last.is_some_and(|last| last / 4 + 1 >= H3_REQUESTS_MAX) {
                self.finish().await;
            }
        }
        // Requests that still run end with it.
        self.quic.close(NO_ERROR, b"");
        self.requests.close();
        self.requests.wait().await;
    }

    async fn next(&mut self) -> Next {
        poll_fn(|cx| {
            match self.end.poll(cx) {
                Verdict::Serve => {}
                Verdict::Finish => return Poll::Ready(Next::Finish),
                Verdict::Cut => return Poll::Ready(Next::End),
            }
            if self.over.as_mut().is_some_and(|over| over.as_mut().poll(cx).is_ready()) {
                return Poll::Ready(Next::End);
            }
            let polled = self.http.poll_accept_request_stream(cx);
            // Of WebTransport, opened by the client: they mean nothing (R-DPX-3).
            self.http.inner.accepted_streams_mut().wt_uni_streams.clear();
            polled.map(|accepted| match accepted {
                Ok(Some(stream)) => Next::Stream(Box::new(stream)),
                Ok(None) => Next::End,
                Err(error) => {
                    debug!(%error, "connection ended");
                    Next::End
                }
            })
        })
        .await
    }

    /// Nothing waits here: a request whose head is late delays no other.
    fn take_up(&mut self, mut stream: Box<Stream>) {
        let id = stream.send_id().into_inner();
        if self.refused_from.is_some_and(|from| id >= from) {
            let rejected = Code::H3_REQUEST_REJECTED.value();
            stream.stop_sending(rejected);
            stream.reset(rejected);
            return;
        }
        self.last = Some(id);
        self.widen();
        let (allowance, gone) = (stream.allowance(), stream.gone());
        let frames = FrameStream::new(BufRecvStream::new(*stream));
        let exchange = Box::new(Exchange {
            resolver: self.http.create_resolver(frames),
            allowance,
            gone,
            connection: self.connection.clone(),
            quic: self.quic.clone(),
            hub: Arc::clone(&self.hub),
            limits: self.service.app().limits,
        });
        self.requests.spawn(exchange.run());
    }

    /// Few connections have many requests at once, and room for them is not free.
    fn widen(&mut self) {
        if !self.wide && self.requests.len() >= H3_STREAMS_FIRST as usize / 2 {
            self.wide = true;
            self.quic.set_max_concurrent_bi_streams(VarInt::from_u32(H3_STREAMS_MAX));
        }
    }

    /// Tells the peer to go: what it has asked for is finished, what it asks for from now on is
    /// refused, so that it may ask again elsewhere (R-H3-7).
    async fn finish(&mut self) {
        if self.refused_from.is_some() {
            return;
        }
        self.refused_from = Some(self.last.map_or(0, |last| last + 4));
        let goodbye = Box::pin(timeout(MESSAGE_TIMEOUT, self.http.shutdown(1)));
        if !matches!(goodbye.await, Ok(Ok(()))) {
            debug!("the peer does not take a goodbye");
        }
        let linger = (self.quic.rtt() * LINGER_TRIPS).clamp(LINGER_MIN, LINGER_MAX);
        let requests = self.requests.clone();
        requests.close();
        self.over = Some(Box::pin(async move {
            requests.wait().await;
            sleep(linger).await;
        }));
    }
}
