//! `https` and `wss`, and HTTP/2 where TLS offers it.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tempfile::TempDir;
use tidegate_client::client::{Client, Event, Mode, Start, Transport};
use tidegate_store::servers::free_port;
use tidegate_tests::process::{Gateway, KEY};

use crate::harness::{self, Gate};
use crate::room::{Heard, MODES, create};

const CERT: &str = include_str!("../http/localhost.cert.pem");
const CERT_KEY: &str = include_str!("../http/localhost.key.pem");

#[tokio::test]
async fn over_tls() {
    let dir = TempDir::new().expect("a directory");
    let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&cert, CERT).expect("writable");
    std::fs::write(&key, CERT_KEY).expect("writable");
    let port = free_port(&[]);
    let plain = free_port(&[port]);
    let (cert, key) = (cert.display(), key.display());
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:{port}\"\nlisten_plain = \"127.0.0.1:{plain}\"\n\
         public_url = \"https://localhost:{port}\"\n\
         [server.tls]\ncert = \"{cert}\"\nkey = \"{key}\"\n[store]\nurl = \"memory:\"\n\
         [[environment]]\nname = \"dev\"\nsecret_keys = [\"{KEY}\"]\n\
         [[agent]]\nid = \"demo\"\nbackend = \"demo\"\n"
    );
    let gateway = Gateway::configured(dir.path(), format!("127.0.0.1:{plain}"), &text).await;
    let der = CertificateDer::from_pem_slice(CERT.as_bytes()).expect("PEM").to_vec();
    for mode in MODES {
        let builder = Client::builder(&format!("https://localhost:{port}")).token(KEY).mode(mode);
        let client = builder.root_certificate(der.clone()).build().expect("a client");
        let session = client.session(&format!("tls-{mode:?}"));
        create(&session).await;
        let mut live = session.subscribe(Start::Floor);
        session.send("secret").await.expect("sent");
        let mut heard = Heard::default();
        heard.turn(&mut live).await;
        let second = session.answer("again").await.expect("sent").text().await;
        assert!(second.expect("an answer").contains("again"));
    }
    drop(gateway);
}

#[tokio::test]
async fn reads_over_tls_share_one_http2_connection() {
    let gate = Gate::start().await;
    let port = gate.server.local_addrs()[1].port();
    let der = CertificateDer::from_pem_slice(CERT.as_bytes()).expect("PEM").to_vec();
    let builder = Client::builder(&format!("https://localhost:{port}")).token(harness::KEY);
    let client = builder.mode(Mode::Sse).root_certificate(der).build().expect("a client");
    let mut all = Vec::new();
    for name in ["a", "b", "c"] {
        let session = client.session(name);
        create(&session).await;
        let mut live = session.subscribe(Start::Floor);
        let event = live.next().await.expect("it goes on").expect("no error");
        assert_eq!(event, Event::Transport(Transport::Sse));
        all.push(live);
    }
    gate.until_gauge("streams", 3).await;
    gate.until_gauge("connections", 1).await;
}

#[tokio::test]
async fn a_certificate_that_is_none() {
    let client = Client::builder("https://localhost").token(KEY);
    let error = client.root_certificate(b"no certificate".to_vec()).build().expect_err("refused");
    assert_eq!(error.code, "invalid_config");
}
