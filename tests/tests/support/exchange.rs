//! One HTTP/1.1 request, and its answer as a suite sees it.

use std::collections::BTreeMap;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tidegate_protocol::record::Envelope;
use tidegate_protocol::sse::{batch, decode::Decoder};
use tidegate_protocol::{Record, control};
use tidegate_tests::client::Failure;
use tokio::net::TcpStream;

/// What is sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// What came back.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    /// The body, if it is JSON.
    pub(crate) json: Option<Value>,
    /// Of a read.
    pub(crate) records: Vec<Record>,
}

/// Sends, and reads the whole body.
pub(crate) async fn request(address: &str, asked: Asked) -> Result<Outcome, Failure> {
    let (mut outcome, body) = send(address, asked).await?;
    let body = body.collect().await?.to_bytes();
    outcome.json = serde_json::from_slice(&body).ok();
    Ok(outcome)
}

/// Sends, and reads records until `until` is met (`spec/v1/suites/README.md`).
pub(crate) async fn read(address: &str, asked: Asked, until: &str) -> Result<Outcome, Failure> {
    let (mut outcome, mut body) = send(address, asked).await?;
    if outcome.status != 200 {
        outcome.json = serde_json::from_slice(&body.collect().await?.to_bytes()).ok();
        return Ok(outcome);
    }
    let mut decoder = Decoder::new(8 << 20);
    loop {
        for event in decoder.by_ref() {
            let event = event?;
            if event.event.as_deref() != Some("batch") {
                continue;
            }
            for record in batch::decode(&event.data)? {
                let met = kind(&record).is_some_and(|kind| is_met(until, &kind));
                outcome.records.push(record);
                if met {
                    return Ok(outcome);
                }
            }
        }
        match body.frame().await {
            None if until == "end" => return Ok(outcome),
            None => return Err(format!("the read ended before {until}").into()),
            Some(frame) => {
                if let Ok(data) = frame?.into_data() {
                    decoder.push(&data);
                }
            }
        }
    }
}

/// The chunk of a data record.
pub(crate) fn chunk(record: &Record) -> Option<Value> {
    serde_json::from_str(Envelope::of(record)?.data.0.get()).ok()
}

/// The type of a chunk, or the kind of a control record in brackets.
pub(crate) fn kind(record: &Record) -> Option<String> {
    match control::kind(record) {
        Some(kind) => Some(format!("[{kind}]")),
        None => Some(chunk(record)?.get("type")?.as_str()?.to_owned()),
    }
}

fn is_met(until: &str, kind: &str) -> bool {
    kind == until || (until == "boundary" && kind == "[turn-complete]")
}

async fn send(address: &str, asked: Asked) -> Result<(Outcome, Incoming), Failure> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut request = Request::builder().method(asked.method.as_str()).uri(&asked.path);
    request = request.header("host", address);
    for (name, value) in &asked.headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(Bytes::from(asked.body)))?;
    let (parts, body) = Response::into_parts(sender.send_request(request).await?);
    let text = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value)));
    let status = parts.status.as_u16();
    Ok((Outcome { status, headers: headers.collect(), ..Outcome::default() }, body))
}
