//! A client of WebTransport on bare QUIC: as much of HTTP/3 as a session needs.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Endpoint, RecvStream, SendStream, TransportConfig};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::{self, RootCertStore, version};

const CERT: &[u8] = include_bytes!("../http/localhost.cert.pem");
/// ENABLE_CONNECT_PROTOCOL, H3_DATAGRAM, ENABLE_WEBTRANSPORT (draft 02).
const SETTINGS: [u8; 12] = [0, 4, 9, 0x08, 1, 0x33, 1, 0xab, 0x60, 0x37, 0x42, 1];
/// The field line `:status: 200` of the static table, the first behind the prefix of two bytes.
pub(crate) const STATUS_200: u8 = 0xd9;
const HEADERS: u64 = 1;

/// What would never come fails the test.
pub(crate) async fn patient<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it comes")
}

/// A connection on which HTTP/3 has begun.
pub(crate) struct Http {
    pub(crate) quic: quinn::Connection,
    _settings: SendStream,
    _endpoint: Endpoint,
}

impl Http {
    pub(crate) async fn connect(address: SocketAddr, transport: TransportConfig) -> Self {
        let endpoint = endpoint(transport);
        let connecting = endpoint.connect(address, "localhost").expect("a valid name");
        let quic = patient(connecting.into_future()).await.expect("it is up");
        let mut settings = quic.open_uni().await.expect("there is room");
        settings.write_all(&SETTINGS).await.expect("sent");
        Self { quic, _settings: settings, _endpoint: endpoint }
    }

    /// Sends the head of a request.
    pub(crate) async fn ask(&self, fields: &[(&str, &str)]) -> (SendStream, RecvStream) {
        let mut block = vec![0, 0];
        for (name, value) in fields {
            // Literal names and values (RFC 9204 §4.5.6), none of them long.
            put_prefixed(&mut block, 0x20, 7, name.len());
            block.extend_from_slice(name.as_bytes());
            put_prefixed(&mut block, 0, 0x7f, value.len());
            block.extend_from_slice(value.as_bytes());
        }
        let (mut send, receive) = self.quic.open_bi().await.expect("there is room");
        let length = u16::try_from(block.len()).expect("short") | 0x4000;
        send.write_all(&[&[1][..], &length.to_be_bytes(), &block].concat()).await.expect("sent");
        (send, receive)
    }

    /// Asks for a session; nothing if it is refused.
    pub(crate) async fn session(&self, path: &str) -> Option<Session> {
        let (send, mut receive) = self
            .ask(&[
                (":method", "CONNECT"),
                (":protocol", "webtransport"),
                (":scheme", "https"),
                (":authority", "localhost"),
                (":path", path),
            ])
            .await;
        let id = u64::from(quinn::VarInt::from(send.id()));
        let head = frame(&mut receive).await.filter(|(kind, _)| *kind == HEADERS)?;
        let accepted = head.1.get(2) == Some(&STATUS_200);
        accepted.then(|| Session { quic: self.quic.clone(), id, send, receive })
    }
}

/// A session that stands.
pub(crate) struct Session {
    pub(crate) quic: quinn::Connection,
    pub(crate) id: u64,
    pub(crate) send: SendStream,
    pub(crate) receive: RecvStream,
}

impl Session {
    /// A bidirectional stream; the first one is the control stream.
    pub(crate) async fn open(&self) -> (SendStream, RecvStream) {
        let (mut send, receive) = self.quic.open_bi().await.expect("there is room");
        let id = u8::try_from(self.id).expect("small");
        send.write_all(&[0x40, 0x41, id]).await.expect("sent");
        (send, receive)
    }
}

/// Type and content of the next frame.
pub(crate) async fn frame(stream: &mut RecvStream) -> Option<(u64, Vec<u8>)> {
    let (kind, length) = (varint(stream).await?, varint(stream).await?);
    let mut content = vec![0; usize::try_from(length).expect("short")];
    patient(stream.read_exact(&mut content)).await.ok()?;
    Some((kind, content))
}

pub(crate) async fn varint(stream: &mut RecvStream) -> Option<u64> {
    let mut first = [0];
    patient(stream.read_exact(&mut first)).await.ok()?;
    let mut rest = vec![0; (1 << (first[0] >> 6)) - 1];
    patient(stream.read_exact(&mut rest)).await.ok()?;
    Some(rest.iter().fold(u64::from(first[0] & 0x3f), |sum, byte| sum << 8 | u64::from(*byte)))
}

/// An integer behind the `flags` of its first byte (RFC 9204 §4.1.1).
fn put_prefixed(block: &mut Vec<u8>, flags: u8, max: u8, value: usize) {
    let value = u8::try_from(value).expect("short");
    if value < max {
        block.push(flags | value);
    } else {
        block.extend_from_slice(&[flags | max, value - max]);
    }
}

fn endpoint(transport: TransportConfig) -> Endpoint {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(CERT).expect("a certificate")).expect("an anchor");
    let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&version::TLS13])
        .expect("TLS 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h3".to_vec()];
    let crypto = QuicClientConfig::try_from(tls).expect("the cipher suite of QUIC");
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport));
    let mut endpoint = Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).expect("a socket");
    endpoint.set_default_client_config(config);
    endpoint
}
