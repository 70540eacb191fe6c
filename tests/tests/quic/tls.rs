//! TLS of clients, and HTTP/1.1 over it.

use std::sync::Arc;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, version};

use crate::gateway::CERT;

/// Trusts the gateway and speaks `alpn`.
pub(crate) fn config(alpn: &[u8]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(CERT).expect("a certificate")).expect("an anchor");
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&version::TLS13])
        .expect("TLS 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    config
}

/// The whole answer, head included.
pub(crate) async fn get(port: u16, path: &str) -> String {
    let tcp = TcpStream::connect(("127.0.0.1", port)).await.expect("it is up");
    let connector = TlsConnector::from(Arc::new(config(b"http/1.1")));
    let name = ServerName::try_from("localhost").expect("a name");
    let mut stream = connector.connect(name, tcp).await.expect("TLS");
    let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    // Whether TLS was ended before TCP is of no interest here.
    _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).expect("text")
}
