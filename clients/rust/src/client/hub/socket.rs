//! One connection, from the dial to its end. Reading never waits for writing.

use std::future::pending;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tidegate_protocol::duplex::GatewayFrame;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::{Error, Message};
use tracing::{debug, warn};

use super::dial::{Dialer, Socket};
use super::drive::Input;
use crate::client::machine::ConnId;

/// Dials, then carries what comes to `inputs` and the texts of `out` to the gateway. Ends after
/// the last text when `out` is closed.
pub(super) async fn run(
    id: ConnId,
    dialer: &Dialer,
    out: mpsc::Receiver<String>,
    inputs: mpsc::Sender<Input>,
) {
    // The driver lives longer than its connections: where it does not, nobody listens.
    let socket = match dialer.dial().await {
        Ok(socket) => socket,
        Err(error) => {
            let _ = inputs.send(Input::DialFailed(id, error)).await;
            return;
        }
    };
    if inputs.send(Input::Dialed(id)).await.is_err() {
        return;
    }
    let (sink, stream) = socket.split();
    let (code, why) = tokio::select! {
        ended = read(id, stream, &inputs) => ended,
        () = write(sink, out) => return,
    };
    debug!(code, why, "a connection ended");
    let _ = inputs.send(Input::Closed(id, code, why)).await;
}

async fn read(
    id: ConnId,
    mut stream: SplitStream<Socket>,
    inputs: &mpsc::Sender<Input>,
) -> (Option<u16>, String) {
    loop {
        match stream.next().await {
            Some(Ok(Message::Text(text))) => match GatewayFrame::parse(text.as_str()) {
                Ok(frame) => {
                    if inputs.send(Input::Frame(id, frame)).await.is_err() {
                        return (None, String::new());
                    }
                }
                // Of a later version of the gateway, perhaps.
                Err(error) => warn!(%error, "a frame of the gateway was not understood"),
            },
            Some(Ok(Message::Close(Some(close)))) => {
                return (Some(close.code.into()), close.reason.as_str().to_owned());
            }
            Some(Ok(Message::Close(None))) | None => return (None, "it was cut".to_owned()),
            Some(Ok(_)) => {}
            Some(Err(error)) => return (None, error.to_string()),
        }
    }
}

/// A failure is left to the reader: it may still hear why the gateway closed.
async fn write(sink: SplitSink<Socket, Message>, out: mpsc::Receiver<String>) {
    if let Err(error) = write_all(sink, out).await {
        debug!(%error, "a connection can't be written");
        pending::<()>().await;
    }
}

async fn write_all(
    mut sink: SplitSink<Socket, Message>,
    mut out: mpsc::Receiver<String>,
) -> Result<(), Error> {
    while let Some(text) = out.recv().await {
        sink.feed(Message::text(text)).await?;
        while let Ok(text) = out.try_recv() {
            sink.feed(Message::text(text)).await?;
        }
        sink.flush().await?;
    }
    sink.close().await
}
