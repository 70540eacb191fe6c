//! A plain HTTP/1.1 client: one connection per request, so that a killed gateway is an error and
//! never a silent retry.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tidegate_protocol::Record;
use tidegate_protocol::sse::{batch, decode::Decoder};
use tokio::net::TcpStream;

/// Whatever went wrong on the way; the caller tries again.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// See the module.
#[derive(Clone, Debug)]
pub struct Client {
    address: String,
    bearer: String,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Its header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&self.body));
        })
    }
}

impl Client {
    /// A client of the gateway at `address` (`host:port`).
    pub fn new(address: &str, bearer: &str) -> Self {
        Self { address: address.to_owned(), bearer: bearer.to_owned() }
    }

    /// A GET, whole.
    pub async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.answer("GET", path, &[], "").await
    }

    /// A PUT of nothing, whole.
    pub async fn put(&self, path: &str) -> Result<Answer, Failure> {
        self.answer("PUT", path, &[], "").await
    }

    /// A POST of a JSON text, whole.
    pub async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, Failure> {
        self.answer("POST", path, headers, body).await
    }

    /// Follows a stream over SSE, after `cursor`.
    pub async fn follow(&self, path: &str, cursor: Option<u64>) -> Result<Reader, Failure> {
        let cursor = cursor.map(|seq| seq.to_string());
        let mut headers = vec![("accept", "text/event-stream"), ("timeout-seconds", "60")];
        headers.extend(cursor.iter().map(|seq| ("last-event-id", seq.as_str())));
        let response = self.send("GET", path, &headers, "").await?;
        if response.status() != 200 {
            return Err(format!("status {}", response.status()).into());
        }
        Ok(Reader { body: response.into_body(), decoder: Decoder::new(8 << 20) })
    }

    /// Any request, whole.
    pub async fn answer(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, Failure> {
        let response = self.send(method, path, headers, body).await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = response.into_body().collect().await?.to_bytes();
        Ok(Answer { status, headers, body })
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Response<Incoming>, Failure> {
        let stream = TcpStream::connect(&self.address).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.address)
            .header("authorization", format!("Bearer {}", self.bearer))
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes())))?;
        Ok(sender.send_request(request).await?)
    }
}

/// An open SSE read of records.
#[derive(Debug)]
pub struct Reader {
    body: Incoming,
    decoder: Decoder,
}

impl Reader {
    /// The next records; `None` when the stream ended cleanly.
    pub async fn next(&mut self) -> Result<Option<Vec<Record>>, Failure> {
        loop {
            if let Some(event) = self.decoder.next() {
                let event = event?;
                match event.event.as_deref() {
                    Some("batch") => return Ok(Some(batch::decode(&event.data)?)),
                    Some("error") => return Err("event: error".into()),
                    _ => continue,
                }
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(frame) => {
                    if let Ok(data) = frame?.into_data() {
                        self.decoder.push(&data);
                    }
                }
            }
        }
    }
}
