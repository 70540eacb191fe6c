//! One connection: HTTP/1.1 or HTTP/2 on it, told apart by its first bytes, until it ends, is idle
//! for too long, or drains.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tidegate_protocol::limits::HEADERS_MAX_BYTES;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};
use tracing::debug;

use crate::config::Limits;
use crate::drain::{Phase, Watch};
use crate::service::connection::{Activity, Connection};

/// What an HTTP/2 client says first (RFC 9113 §3.4).
const H2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Concurrent streams of one HTTP/2 connection.
const H2_STREAMS_MAX: u32 = 250;
/// Response bytes that HTTP/2 buffers for one stream.
const H2_SEND_BUFFER_BYTES: usize = 64 * 1024;
/// Request bytes that an HTTP/2 peer may send ahead, per stream and per connection.
const H2_STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const H2_CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// Response bytes that HTTP/1.1 buffers before it asks for no more; also bounds request headers.
const H1_BUFFER_BYTES: usize = HEADERS_MAX_BYTES;
/// A silent HTTP/2 peer is asked whether it is there.
const H2_PING_INTERVAL: Duration = Duration::from_secs(30);
const H2_PING_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a connection that was told to end, because it is idle, may take.
const GOODBYE: Duration = Duration::from_secs(5);

/// How HTTP is spoken on every connection.
pub(super) struct Http {
    http1: http1::Builder,
    either: auto::Builder<TokioExecutor>,
    idle_timeout: Duration,
}

impl Http {
    pub(super) fn new(limits: &Limits) -> Self {
        // One idle timer for a connection instead of one for each request's headers.
        let mut http1 = http1::Builder::new();
        http1.header_read_timeout(None).max_buf_size(H1_BUFFER_BYTES);
        let mut either = auto::Builder::new(TokioExecutor::new());
        either.http1().header_read_timeout(None).max_buf_size(H1_BUFFER_BYTES);
        either
            .http2()
            .timer(TokioTimer::new())
            .enable_connect_protocol()
            .max_concurrent_streams(H2_STREAMS_MAX)
            .max_send_buf_size(H2_SEND_BUFFER_BYTES)
            .initial_stream_window_size(H2_STREAM_WINDOW_BYTES)
            .initial_connection_window_size(H2_CONNECTION_WINDOW_BYTES)
            .max_header_list_size(u32::try_from(HEADERS_MAX_BYTES).unwrap_or(u32::MAX))
            .keep_alive_interval(H2_PING_INTERVAL)
            .keep_alive_timeout(H2_PING_TIMEOUT);
        Self { http1, either, idle_timeout: limits.idle_timeout }
    }
}

/// How the first bytes of a connection are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    /// Certainly HTTP/1.1.
    Http1,
    /// HTTP/2, or something whose first bytes look like it so far.
    Either,
}

/// Looks at the first bytes of a plain connection and leaves them in the socket: what a server that
/// took them would hand on is a first read of their length alone, and that makes the connection
/// hold twice the buffer for its whole life. `None` if the connection ends meanwhile.
pub(super) async fn peek(
    stream: &TcpStream,
    connection: &Connection,
    http: &Http,
) -> Option<Speaks> {
    let mut end = End::new(connection, http.idle_timeout);
    let mut first = [0; H2_PREFACE.len()];
    let mut first = ReadBuf::new(&mut first);
    poll_fn(|cx| match end.poll(cx) {
        Verdict::Serve => stream.poll_peek(cx, &mut first).map(Result::ok),
        Verdict::Finish | Verdict::Cut => Poll::Ready(None),
    })
    .await?;
    Some(if H2_PREFACE.starts_with(first.filled()) { Speaks::Either } else { Speaks::Http1 })
}

/// Serves requests on `io`.
pub(super) async fn serve<I>(io: I, speaks: Speaks, connection: Connection, http: &Http)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let end = End::new(&connection, http.idle_timeout);
    let activity = connection.activity();
    let io = TokioIo::new(io);
    // Boxed: a socket that was upgraded holds nothing of it, and HTTP/1.1 no room for HTTP/2.
    let result = match speaks {
        Speaks::Http1 => {
            let serving = http.http1.serve_connection(io, connection).with_upgrades();
            drive(end, Box::pin(serving)).await
        }
        Speaks::Either => {
            let serving = http.either.serve_connection_with_upgrades(io, connection);
            drive(end, Box::pin(serving)).await
        }
    };
    if let Err(error) = result {
        debug!(%error, "connection ended");
    }
    // In this task, so that it keeps the connection's place, and a drain waits for it.
    if let Some(upgraded) = activity.take_upgraded() {
        upgraded.await;
    }
}

async fn drive(mut end: End, mut serving: Pin<Box<impl Serving>>) -> Result<(), BoxError> {
    poll_fn(|cx| {
        match end.poll(cx) {
            Verdict::Serve => {}
            Verdict::Finish => serving.as_mut().finish(),
            Verdict::Cut => return Poll::Ready(Ok(())),
        }
        serving.as_mut().poll_served(cx)
    })
    .await
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What the two kinds of connection have in common.
trait Serving {
    fn poll_served(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>>;

    /// Finish what runs, then end.
    fn finish(self: Pin<&mut Self>);
}

impl<I> Serving for http1::UpgradeableConnection<TokioIo<I>, Connection>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    fn poll_served(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.poll(cx).map_err(Into::into)
    }

    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I> Serving for auto::UpgradeableConnection<'_, TokioIo<I>, Connection, TokioExecutor>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    fn poll_served(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.poll(cx)
    }

    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

pub(crate) enum Verdict {
    Serve,
    /// Finish what runs and then end; said once.
    Finish,
    Cut,
}

/// Decides when a connection ends: by the drain, or because nothing happened on it.
pub(crate) struct End {
    drain: Watch,
    activity: Activity,
    idle_timeout: Duration,
    /// Requests that had begun when the timer last fired.
    seen: u64,
    timer: Pin<Box<Sleep>>,
    finishing: bool,
    idle: bool,
}

impl End {
    pub(crate) fn new(connection: &Connection, idle_timeout: Duration) -> Self {
        Self {
            drain: connection.drain(),
            activity: connection.activity(),
            idle_timeout,
            seen: 0,
            timer: Box::pin(sleep_until(Instant::now() + idle_timeout)),
            finishing: false,
            idle: false,
        }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Verdict {
        match self.drain.poll(cx) {
            Phase::Up | Phase::Leaving => {}
            Phase::Draining | Phase::Ending => {
                if !std::mem::replace(&mut self.finishing, true) {
                    return Verdict::Finish;
                }
            }
            Phase::Stopped => return Verdict::Cut,
        }
        match self.poll_idle(cx) {
            Poll::Pending => Verdict::Serve,
            Poll::Ready(()) if self.idle => Verdict::Cut,
            Poll::Ready(()) => {
                self.idle = true;
                self.timer.as_mut().reset(Instant::now() + GOODBYE);
                Verdict::Finish
            }
        }
    }

    /// Ready when no request began or ran during a whole period of the timer.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.timer.as_mut().poll(cx));
            let begun = self.activity.begun();
            if self.activity.is_idle() && (self.idle || begun == self.seen) {
                return Poll::Ready(());
            }
            self.seen = begun;
            self.timer.as_mut().reset(Instant::now() + self.idle_timeout);
        }
    }
}
