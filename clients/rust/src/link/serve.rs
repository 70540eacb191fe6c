//! One connection, from `hello` to its end. Reading never waits for writing.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use parking_lot::Mutex;
use tidegate_protocol::link::{ErrorFrame, GatewayFrame, TurnFrame, Welcome, codes};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_tungstenite::tungstenite::{Error, Message};
use tracing::{debug, warn};

use super::dial::Socket;
use super::machine::Asked;
use super::shared::Shared;

/// How long `welcome` may take.
const WELCOME_TIMEOUT: Duration = Duration::from_secs(10);
/// Time between beats until `welcome` says how often.
const FIRST_BEAT: Duration = Duration::from_millis(250);

/// How a connection ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// WebSocket close code, if there was one.
    pub(crate) code: Option<u16>,
    /// For a person.
    pub(crate) reason: String,
    /// Did the gateway welcome the worker? Then the next try is at once, so that a cut is resumed
    /// within `resume_ms`.
    pub(crate) was_good: bool,
    /// When the gateway, which went away, wants the worker back.
    pub(crate) reconnect: Option<Duration>,
}

/// Times of the connection, as its two halves see them.
struct Pulse {
    beat: Duration,
    /// Nothing that came is older than this.
    deadline: Instant,
    lease: Duration,
}

/// Serves until the connection ends; `begin` is handed every turn.
pub(crate) async fn serve(
    socket: Socket,
    shared: &Arc<Shared>,
    begin: impl FnMut(Box<TurnFrame>),
) -> Ended {
    shared.machine.lock().handle_connected();
    let pulse = Mutex::new(Pulse {
        beat: FIRST_BEAT,
        deadline: Instant::now() + WELCOME_TIMEOUT,
        lease: WELCOME_TIMEOUT,
    });
    let (sink, stream) = socket.split();
    let ended = tokio::select! {
        ended = read(stream, shared, &pulse, begin) => ended,
        () = write(sink, shared) => Ended::cut("the connection was cut".to_owned()),
        () = beat(shared, &pulse) => Ended::cut("the gateway is silent".to_owned()),
    };
    shared.machine.lock().handle_disconnected();
    debug!(?ended, "the link ended");
    ended
}

async fn read(
    mut stream: SplitStream<Socket>,
    shared: &Shared,
    pulse: &Mutex<Pulse>,
    mut begin: impl FnMut(Box<TurnFrame>),
) -> Ended {
    let mut refusal: Option<ErrorFrame> = None;
    let mut ended = Ended::cut("the connection was cut".to_owned());
    loop {
        let text = match stream.next().await {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(Some(close)))) => {
                ended.code = Some(close.code.into());
                let full = refusal.map(|error| format!("{}: {}", error.code, error.message));
                ended.reason = full.unwrap_or_else(|| close.reason.as_str().to_owned());
                return ended;
            }
            Some(Ok(Message::Close(None))) | None => return ended,
            Some(Ok(_)) => continue,
            Some(Err(error)) => return Ended { reason: error.to_string(), ..ended },
        };
        let frame = match GatewayFrame::parse(text.as_str()) {
            Ok(frame) => frame,
            Err(error) => {
                // Of a later version of the gateway, perhaps.
                warn!(%error, "a frame of the gateway was not understood");
                continue;
            }
        };
        {
            let mut pulse = pulse.lock();
            pulse.deadline = Instant::now() + pulse.lease;
        }
        let asked = shared.machine.lock().handle(frame);
        match asked {
            Asked::Nothing => {}
            Asked::Joined(welcome) => {
                ended.was_good = true;
                pulse.lock().adopt(&welcome);
            }
            Asked::Begin(turn) => begin(turn),
            Asked::Goaway(ms) => ended.reconnect = Some(Duration::from_millis(ms)),
            Asked::Refused(error) => refusal = Some(error),
        }
    }
}

/// Writes what there is, then flushes it at once. A failure is left to the reader: it may still
/// hear why the gateway closed.
async fn write(sink: SplitSink<Socket, Message>, shared: &Shared) {
    if let Err(error) = write_all(sink, shared).await {
        debug!(%error, "the link can't be written");
    }
    pending().await
}

async fn write_all(mut sink: SplitSink<Socket, Message>, shared: &Shared) -> Result<(), Error> {
    loop {
        let mut text = poll_fn(|cx| shared.machine.lock().poll_send(cx)).await;
        loop {
            sink.feed(Message::text(text)).await?;
            let more = poll_fn(|cx| Poll::Ready(shared.machine.lock().poll_send(cx))).await;
            match more {
                Poll::Ready(more) => text = more,
                Poll::Pending => break,
            }
        }
        sink.flush().await?;
    }
}

/// Signs of life; ends when the other side shows none (R-LNK-12).
async fn beat(shared: &Shared, pulse: &Mutex<Pulse>) {
    loop {
        let (beat, deadline) = {
            let pulse = pulse.lock();
            (pulse.beat, pulse.deadline)
        };
        if deadline <= Instant::now() {
            return;
        }
        tokio::select! {
            () = sleep(beat) => shared.machine.lock().handle_beat(),
            () = sleep_until(deadline) => {}
        }
    }
}

impl Pulse {
    fn adopt(&mut self, welcome: &Welcome) {
        self.beat = Duration::from_millis((welcome.heartbeat_ms / 2).max(1));
        self.lease = Duration::from_millis(welcome.lease_ms);
        self.deadline = Instant::now() + self.lease;
    }
}

impl Ended {
    fn cut(reason: String) -> Self {
        Self { code: None, reason, was_good: false, reconnect: None }
    }

    /// Did the gateway let the worker go: nothing is left to do?
    pub(crate) fn is_done(&self) -> bool {
        self.code == Some(codes::DONE)
    }
}
