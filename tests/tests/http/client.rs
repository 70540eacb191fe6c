//! A plain client that shows everything of an answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tidegate_protocol::Record;
use tidegate_protocol::sse::batch;
use tidegate_protocol::sse::decode::Decoder;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::CERT;

/// Nothing here takes this long unless it hangs.
const HANG: Duration = Duration::from_secs(20);

/// How HTTP is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    H1,
    /// HTTP/2 over plain TCP, by prior knowledge.
    H2c,
    TlsH1,
    TlsH2,
}

/// Opens a connection for every request, unless one is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    bearer: String,
    wire: Wire,
}

/// A connection that is used again.
pub(crate) enum Connection {
    H1(http1::SendRequest<Full<Bytes>>),
    H2(http2::SendRequest<Full<Bytes>>),
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }

    /// Code of the error that it is.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Client {
    pub(crate) fn new(address: SocketAddr, bearer: &str) -> Self {
        Self { address, bearer: bearer.to_owned(), wire: Wire::H1 }
    }

    pub(crate) fn over(&self, wire: Wire, address: SocketAddr) -> Self {
        Self { address, bearer: self.bearer.clone(), wire }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.call("POST", path, &[], body).await
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        whole(self.open(method, path, headers, body).await).await
    }

    /// The head of an answer; its body is still to be read.
    pub(crate) async fn open(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response<Incoming> {
        let mut connection = self.connect().await;
        let request = self.request(method, path, headers, body);
        connection.send(request).await
    }

    /// An SSE read.
    pub(crate) async fn read(&self, path: &str, headers: &[(&str, &str)]) -> Events {
        let response = self.open("GET", path, headers, "").await;
        assert_eq!(response.status(), 200, "{path}");
        Events::of(response)
    }

    pub(crate) async fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.address).await.expect("connects");
        match self.wire {
            Wire::H1 => h1(TokioIo::new(stream)).await,
            Wire::H2c => h2(TokioIo::new(stream)).await,
            Wire::TlsH1 => h1(TokioIo::new(tls(stream, b"http/1.1").await)).await,
            Wire::TlsH2 => h2(TokioIo::new(tls(stream, b"h2").await)).await,
        }
    }

    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Request<Full<Bytes>> {
        let scheme = if matches!(self.wire, Wire::TlsH1 | Wire::TlsH2) { "https" } else { "http" };
        let is_h2 = matches!(self.wire, Wire::H2c | Wire::TlsH2);
        let uri = if is_h2 { format!("{scheme}://{}{path}", self.address) } else { path.into() };
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).expect("a method"))
            .uri(uri)
            .header("content-type", "application/json");
        if !is_h2 {
            request = request.header("host", self.address.to_string());
        }
        if !self.bearer.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.bearer));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).expect("a request")
    }
}

impl Connection {
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        let sent = async {
            match self {
                Self::H1(sender) => {
                    sender.ready().await.expect("open");
                    sender.send_request(request).await
                }
                Self::H2(sender) => sender.send_request(request).await,
            }
        };
        tokio::time::timeout(HANG, sent).await.expect("an answer").expect("an answer")
    }
}

async fn h1<I>(io: I) -> Connection
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(io).await.expect("a handshake");
    tokio::spawn(connection);
    Connection::H1(sender)
}

async fn h2<I>(io: I) -> Connection
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), io).await.expect("a handshake");
    tokio::spawn(connection);
    Connection::H2(sender)
}

async fn tls(stream: TcpStream, alpn: &[u8]) -> TlsStream<TcpStream> {
    let mut roots = tokio_rustls::rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(CERT).expect("PEM")).expect("a certificate");
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let mut config = tokio_rustls::rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let name = ServerName::try_from("localhost").expect("a name");
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, stream).await.expect("TLS");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(alpn));
    stream
}

/// Reads a whole answer.
pub(crate) async fn whole(response: Response<Incoming>) -> Answer {
    let (parts, body) = response.into_parts();
    let body = tokio::time::timeout(HANG, body.collect()).await.expect("an end");
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: body.expect("whole").to_bytes(),
    }
}

/// An open stream of events.
pub(crate) struct Events {
    pub(crate) headers: http::HeaderMap,
    body: Incoming,
    decoder: Decoder,
    /// Records that were read and not yet asked for.
    ready: std::collections::VecDeque<Record>,
    pub(crate) pings: usize,
    pub(crate) done: bool,
}

impl Events {
    pub(crate) fn of(response: Response<Incoming>) -> Self {
        let (parts, body) = response.into_parts();
        let (ready, pings, done) = Default::default();
        Self { headers: parts.headers, body, decoder: Decoder::new(8 << 20), ready, pings, done }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }

    /// The next record; `None` at a clean end.
    pub(crate) async fn next(&mut self) -> Option<Record> {
        tokio::time::timeout(HANG, self.wait()).await.expect("a record or an end")
    }

    async fn wait(&mut self) -> Option<Record> {
        loop {
            if let Some(record) = self.ready.pop_front() {
                return Some(record);
            }
            if let Some(event) = self.decoder.next() {
                let event = event.expect("an event");
                match event.event.as_deref() {
                    Some("batch") => {
                        self.ready.extend(batch::decode(&event.data).expect("a batch"));
                    }
                    Some("ping") => self.pings += 1,
                    None if event.data == b"[DONE]"[..] => self.done = true,
                    other => panic!("{other:?} {:?}", event.data),
                }
                continue;
            }
            let frame = self.body.frame().await?.expect("not cut");
            if let Ok(data) = frame.into_data() {
                self.decoder.push(&data);
            }
        }
    }

    /// Does the body break off, with nothing more to read? `false` at a clean end.
    pub(crate) async fn is_cut(&mut self) -> bool {
        let frame = tokio::time::timeout(HANG, self.body.frame()).await.expect("an end");
        frame.is_some_and(|frame| frame.is_err())
    }

    /// `count` records.
    pub(crate) async fn take(&mut self, count: usize) -> Vec<Record> {
        let mut records = Vec::new();
        while records.len() < count {
            records.push(self.next().await.expect("more records"));
        }
        records
    }

    /// Everything up to a clean end.
    pub(crate) async fn rest(&mut self) -> Vec<Record> {
        let mut records = Vec::new();
        while let Some(record) = self.next().await {
            records.push(record);
        }
        records
    }
}
