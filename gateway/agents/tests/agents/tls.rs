//! `https` against a real TLS server, trusting the certificates of `SSL_CERT_FILE`.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use tidegate_core::seams::backend::BackendFault;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::support::{Answer, EVENTS, agent, ask, events, hello};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Trust is read from the environment, so it takes a process of its own.
#[test]
fn https_works() {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tls::child", "--ignored", "--nocapture"])
        .env("SSL_CERT_FILE", fixture("ca.pem"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{child:?}");
}

#[tokio::test]
#[ignore = "run by https_works"]
async fn child() {
    let port = server().await;
    let backend = agent("ai_sdk", &format!("https://localhost:{port}/x"), json!({}));
    let answer = Answer::of(backend.answer(ask("hi"))).await;
    assert_eq!((answer.values(), answer.error), (hello(), None));

    // The certificate is for another name.
    let backend = agent("ai_sdk", &format!("https://127.0.0.1:{port}/x"), json!({}));
    let answer = Answer::of(backend.answer(ask("hi"))).await;
    assert_eq!(answer.failure().kind, BackendFault::Unavailable);
    assert!(answer.failure().message.contains("certificate"), "{:?}", answer.error);
}

async fn server() -> u16 {
    let certificate = CertificateDer::from_pem_file(fixture("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(fixture("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            // The client that expects another name breaks the handshake off.
            let Ok(mut tls) = acceptor.accept(tcp).await else { continue };
            let mut buffer = [0; 4096];
            let _ = tls.read(&mut buffer).await.unwrap();
            let text = format!("{EVENTS}{}", events(&hello()));
            tls.write_all(text.as_bytes()).await.unwrap();
            tls.shutdown().await.unwrap();
        }
    });
    port
}
