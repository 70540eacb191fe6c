//! Mode `runs`, by hand and without a way to resume: a cut link ends the measurement.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::HeaderValue;
use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use tidegate_protocol::Record;
use tidegate_protocol::input::Input;
use tidegate_protocol::limits::{LINK_HEARTBEAT_MS, WORKER_CAPACITY_MAX};
use tidegate_protocol::link::{
    AgentSpec, GatewayFrame, Hello, Mode, Out, PATH, Parked, SUBPROTOCOL, TurnDone, WorkId,
    WorkerFrame,
};
use tokio::net::TcpStream;
use tokio::time::interval;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::words::{count, word};
use crate::net::KEY;
use crate::target::AGENT;

/// Words in one frame.
const BATCH: usize = 64;

/// Until the process is killed, or the link ends.
pub(super) async fn serve(address: &str) -> io::Result<()> {
    let mut link = dial(address).await?;
    let agents = vec![AgentSpec::new(AGENT, Mode::Runs)];
    let worker = format!("w_{}", std::process::id());
    // Every session has a run, which stays: eviction is not what is measured.
    let capacity = WORKER_CAPACITY_MAX;
    let hello = Hello { worker, epoch: 1, capacity, agents, work: Vec::new() };
    let mut runs = Runs { seqs: HashMap::new(), frames: vec![WorkerFrame::Hello(hello)] };
    let mut beat = interval(Duration::from_millis(LINK_HEARTBEAT_MS / 2));
    loop {
        for frame in runs.frames.drain(..) {
            link.feed(Message::text(frame.to_json())).await.map_err(io::Error::other)?;
        }
        link.flush().await.map_err(io::Error::other)?;
        tokio::select! {
            _ = beat.tick() => runs.frames.push(WorkerFrame::Ping),
            message = link.next() => match message {
                Some(Ok(Message::Text(text))) => runs.take(text.as_str())?,
                Some(Ok(Message::Close(_))) | None => {
                    return Err(io::Error::other("the link ended"));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(io::Error::other(error)),
            },
        }
    }
}

async fn dial(address: &str) -> io::Result<WebSocketStream<TcpStream>> {
    let url = format!("ws://{address}{PATH}");
    let mut request = url.into_client_request().map_err(io::Error::other)?;
    let bearer = HeaderValue::try_from(format!("Bearer {KEY}")).map_err(io::Error::other)?;
    request.headers_mut().insert(AUTHORIZATION, bearer);
    let subprotocol = HeaderValue::from_static(SUBPROTOCOL);
    request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, subprotocol);
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(client_async(request, stream).await.map_err(io::Error::other)?.0)
}

/// The runs that it holds: the last frame's number of each; and what is still to be sent.
struct Runs {
    seqs: HashMap<String, u64>,
    frames: Vec<WorkerFrame>,
}

impl Runs {
    fn take(&mut self, text: &str) -> io::Result<()> {
        match GatewayFrame::parse(text).map_err(io::Error::other)? {
            GatewayFrame::Boot(boot) => {
                self.seqs.insert(boot.id.clone(), 0);
                self.frames.push(WorkerFrame::Ready(WorkId { id: boot.id }));
            }
            GatewayFrame::In(inputs) => {
                for record in &inputs.records {
                    self.answer(&inputs.id, record);
                }
            }
            GatewayFrame::Error(error) => {
                let text = format!("the gateway refused a frame: {error:?}");
                return Err(io::Error::other(text));
            }
            _ => {}
        }
        Ok(())
    }

    fn answer(&mut self, id: &str, record: &Record) {
        let Input::Message(payload) = Input::of(record) else { return };
        let Some(message) = &payload.message else { return };
        let count = count(message["parts"][0]["text"].as_str().unwrap_or_default());
        if self.seqs.get(id).is_some_and(|seq| *seq > 0) {
            self.frames.push(WorkerFrame::Unparked(WorkId { id: id.to_owned() }));
        }
        self.out(id, &[json!({"type": "start"}), json!({"type": "text-start", "id": "text-1"})]);
        let numbers: Vec<u32> = (1..=count).collect();
        for numbers in numbers.chunks(BATCH) {
            let delta = |number: &u32| {
                let delta = word(*number, count);
                json!({"type": "text-delta", "id": "text-1", "delta": delta})
            };
            let chunks: Vec<Value> = numbers.iter().map(delta).collect();
            self.out(id, &chunks);
        }
        self.out(id, &[json!({"type": "text-end", "id": "text-1"}), json!({"type": "finish"})]);
        let (floor, seq) = (Some(record.seq_num), self.next(id));
        let done = TurnDone { id: id.to_owned(), seq, floor, consumed: floor };
        self.frames.push(WorkerFrame::TurnDone(done));
        self.frames.push(WorkerFrame::Parked(Parked { id: id.to_owned(), seen: floor }));
    }

    fn out(&mut self, id: &str, chunks: &[Value]) {
        let record = |chunk: &Value| -> Box<RawValue> {
            to_raw_value(&json!({"data": chunk})).expect("JSON values have string keys only")
        };
        let (seq, records) = (self.next(id), chunks.iter().map(record).collect());
        let out = Out { id: id.to_owned(), seq, chunks: Vec::new(), records };
        self.frames.push(WorkerFrame::Out(out));
    }

    fn next(&mut self, id: &str) -> u64 {
        let seq = self.seqs.entry(id.to_owned()).or_default();
        *seq += 1;
        *seq
    }
}
