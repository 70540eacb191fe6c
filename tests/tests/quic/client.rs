//! A client of HTTP/3.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use h3::client::{RequestStream, SendRequest};
use h3::error::{ConnectionError, StreamError};
use http::{HeaderMap, Method, Request};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Endpoint, TransportConfig};
use serde_json::Value;
use tidegate_protocol::Record;
use tidegate_protocol::sse::{batch, decode::Decoder};
use tidegate_tests::process::KEY;
use tokio::task::JoinHandle;

/// A request that is under way.
pub(crate) type Exchange = RequestStream<h3_quinn::BidiStream<Bytes>, Bytes>;

const PATIENCE: Duration = Duration::from_secs(20);

/// One connection.
pub(crate) struct Client {
    pub(crate) endpoint: Endpoint,
    pub(crate) quic: quinn::Connection,
    pub(crate) http: SendRequest<h3_quinn::OpenStreams, Bytes>,
    /// How the connection ends.
    pub(crate) end: JoinHandle<ConnectionError>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

impl Client {
    pub(crate) async fn connect(port: u16) -> Self {
        Self::with(port, TransportConfig::default()).await
    }

    pub(crate) async fn with(port: u16, transport: TransportConfig) -> Self {
        let endpoint = endpoint(transport);
        let quic = connect(&endpoint, port).await.expect("the gateway takes it");
        Self::over(endpoint, quic).await
    }

    pub(crate) async fn over(endpoint: Endpoint, quic: quinn::Connection) -> Self {
        let connection = h3_quinn::Connection::new(quic.clone());
        let (mut driver, http) = h3::client::new(connection).await.expect("HTTP/3 begins");
        let end =
            tokio::spawn(async move { std::future::poll_fn(|cx| driver.poll_close(cx)).await });
        Self { endpoint, quic, http, end }
    }

    /// Sends a head; the body may follow.
    pub(crate) async fn begin(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Exchange, StreamError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("https://localhost{path}"))
            .header("authorization", format!("Bearer {KEY}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.http.send_request(request.body(()).expect("a request")).await
    }

    /// Asks, and reads the whole answer.
    pub(crate) async fn ask(&mut self, method: Method, path: &str, body: &str) -> Answer {
        self.try_ask(method, path, body).await.expect("an answer")
    }

    pub(crate) async fn try_ask(
        &mut self,
        method: Method,
        path: &str,
        body: &str,
    ) -> Result<Answer, StreamError> {
        let mut exchange = self.begin(method, path, &[]).await?;
        if !body.is_empty() {
            exchange.send_data(Bytes::copy_from_slice(body.as_bytes())).await?;
        }
        exchange.finish().await?;
        answer(&mut exchange).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.ask(Method::GET, path, "").await
    }

    pub(crate) async fn post(&mut self, path: &str, body: &str) -> Answer {
        self.ask(Method::POST, path, body).await
    }

    /// Reads the `.out` of `name` after `cursor`.
    pub(crate) async fn read(&mut self, name: &str, cursor: Option<u64>) -> Reading {
        let path = format!("/realtime/v1/sessions/{name}/out");
        let cursor = cursor.map(|seq| seq.to_string());
        let headers: Vec<_> = cursor.iter().map(|seq| ("last-event-id", seq.as_str())).collect();
        let mut exchange = self.begin(Method::GET, &path, &headers).await.expect("sent");
        exchange.finish().await.expect("sent");
        let head = patient(exchange.recv_response()).await.expect("an answer");
        assert_eq!(head.status(), 200);
        Reading { exchange, decoder: Decoder::new(8 << 20) }
    }
}

/// The answer to a request that was sent.
pub(crate) async fn answer(exchange: &mut Exchange) -> Result<Answer, StreamError> {
    let head = patient(exchange.recv_response()).await?;
    let mut body = Vec::new();
    while let Some(mut data) = patient(exchange.recv_data()).await? {
        body.extend_from_slice(&data.copy_to_bytes(data.remaining()));
    }
    let (parts, ()) = head.into_parts();
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.into() })
}

/// A stream that is read.
pub(crate) struct Reading {
    exchange: Exchange,
    decoder: Decoder,
}

impl Reading {
    /// What comes next; `None` at a clean end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Record>>, StreamError> {
        loop {
            for event in self.decoder.by_ref() {
                let event = event.expect("small events");
                if event.event.as_deref() == Some("batch") {
                    return Ok(Some(batch::decode(&event.data).expect("records")));
                }
            }
            match patient(self.exchange.recv_data()).await? {
                Some(mut data) => self.decoder.push(&data.copy_to_bytes(data.remaining())),
                None => return Ok(None),
            }
        }
    }

    /// This many records.
    pub(crate) async fn take(&mut self, count: usize) -> Vec<Record> {
        let mut records = Vec::new();
        while records.len() < count {
            records.extend(self.next().await.expect("not cut").expect("not at its end"));
        }
        records
    }
}

/// What would never come fails the test.
pub(crate) async fn patient<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it comes")
}

/// A socket of a client.
pub(crate) fn socket() -> UdpSocket {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port")
}

/// Something to connect from.
pub(crate) fn endpoint(transport: TransportConfig) -> Endpoint {
    let mut tls = crate::tls::config(b"h3");
    tls.enable_early_data = true;
    let crypto = QuicClientConfig::try_from(tls).expect("the cipher suite of QUIC");
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport));
    let runtime = Arc::new(quinn::TokioRuntime);
    let mut endpoint =
        Endpoint::new(quinn::EndpointConfig::default(), None, socket(), runtime).expect("a socket");
    endpoint.set_default_client_config(config);
    endpoint
}

pub(crate) async fn connect(
    endpoint: &Endpoint,
    port: u16,
) -> Result<quinn::Connection, quinn::ConnectionError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    patient(endpoint.connect(address, "localhost").expect("a valid name").into_future()).await
}
