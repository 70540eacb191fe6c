//! A gateway with a demo agent, and clients of it, which trust its certificate.

use std::path::Path;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::json;
use tempfile::TempDir;
use tidegate_client::client::{
    Builder, Client, Event, GapReason, Mode, Record, Session, Subscription, Transport,
};
use tidegate_protocol::control;
use tidegate_store::servers::Redis;
use tidegate_tests::process::{Gateway, KEY};
use tokio::time::timeout;

/// Nothing takes longer, however slow the machine is.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const MODES: [Mode; 4] = [Mode::Auto, Mode::WebSocket, Mode::Sse, Mode::Http3];
/// Those that need no TLS.
pub(crate) const TCP: [Mode; 3] = [Mode::Auto, Mode::WebSocket, Mode::Sse];
pub(crate) const CERT: &str = include_str!("../http/localhost.cert.pem");
pub(crate) const CERT_KEY: &str = include_str!("../http/localhost.key.pem");
const AGENT: &str = "[[agent]]\nid = \"demo\"\nbackend = \"demo\"\nwords_per_second = 0\n\
                     [drain]\ntimeout = \"20s\"\ndelay = \"0s\"\nspread = \"500ms\"\n";

/// See the module.
pub(crate) struct Room {
    pub(crate) gateway: Gateway,
    dir: TempDir,
}

impl Room {
    pub(crate) async fn new() -> Self {
        let dir = TempDir::new().expect("a directory");
        let store = format!("disk:{}", dir.path().join("store").display());
        let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
        std::fs::write(&cert, CERT).expect("writable");
        std::fs::write(&key, CERT_KEY).expect("writable");
        let gateway = Gateway::start_secure(dir.path(), &store, AGENT, (&cert, &key)).await;
        Self { gateway, dir }
    }

    /// With a store that another gateway can use at the same time, and without TLS: the UDP port of
    /// a gateway that drains is in use.
    pub(crate) async fn of_fleet(redis: &Redis) -> Self {
        let dir = TempDir::new().expect("a directory");
        let gateway = Gateway::start(dir.path(), &redis.url(), AGENT).await;
        Self { gateway, dir }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn url(&self) -> String {
        match self.gateway.secure {
            Some(address) => format!("https://localhost:{}", address.port()),
            None => format!("http://{}", self.gateway.address),
        }
    }

    /// Of TLS over TCP, and of QUIC.
    pub(crate) fn port(&self) -> u16 {
        self.gateway.secure.expect("it was asked for").port()
    }

    pub(crate) fn builder(&self, mode: Mode) -> Builder {
        trusting(&self.url()).token(KEY).mode(mode)
    }

    pub(crate) fn client(&self, mode: Mode) -> Client {
        self.builder(mode).build().expect("a client")
    }

    /// The whole of `.out`, as a client that has no trouble reads it.
    pub(crate) async fn log(&self, name: &str) -> Vec<Record> {
        let path = format!("/realtime/v1/sessions/{name}/out");
        let newest = self.newest(name).await;
        let mut reader = self.gateway.client().follow(&path, None).await.expect("it can be read");
        let mut all = Vec::new();
        while all.last().is_none_or(|last: &Record| last.seq_num < newest) {
            all.extend(reader.next().await.expect("it goes on").expect("more"));
        }
        all.into_iter().map(bare).collect()
    }

    async fn newest(&self, name: &str) -> u64 {
        let path = format!("/realtime/v1/sessions/{name}/out");
        let answer = self.gateway.client().answer("HEAD", &path, &[], "").await.expect("it is up");
        let index = answer.headers["x-last-chunk-index"].to_str().expect("digits");
        index.parse().expect("there are records")
    }
}

/// What makes a client that trusts the gateway's certificate.
pub(crate) fn trusting(url: &str) -> Builder {
    Client::builder(url).root_certificate(certificate())
}

/// As DER.
pub(crate) fn certificate() -> Vec<u8> {
    CertificateDer::from_pem_slice(CERT.as_bytes()).expect("PEM").to_vec()
}

/// How a mode reads that was told what to do.
pub(crate) fn transport(mode: Mode) -> Transport {
    match mode {
        Mode::Sse => Transport::Sse,
        Mode::Http3 => Transport::Http3,
        _ => Transport::WebSocket,
    }
}

/// Without the token that each delivery gets anew (R-VIEW-3).
pub(crate) fn bare(mut record: Record) -> Record {
    record.headers.retain(|(name, _)| name != control::ACCESS_TOKEN);
    record
}

pub(crate) async fn create(session: &Session) {
    session.create("demo", json!({})).await.expect("it is made");
}

/// What a subscription said.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) records: Vec<Record>,
    pub(crate) gaps: Vec<(u64, u64, GapReason)>,
    pub(crate) transports: Vec<Transport>,
}

impl Heard {
    /// Takes one event; is it a boundary?
    pub(crate) async fn take(&mut self, from: &mut Subscription) -> bool {
        let event = timeout(PATIENCE, from.next()).await;
        let event = event.unwrap_or_else(|_| panic!("nothing after {:?}", from.cursor()));
        match event.expect("it goes on").expect("no error") {
            Event::Record(record) => {
                let is_boundary = control::is_boundary(&record);
                self.records.push(bare(record));
                is_boundary
            }
            Event::Gap { from, to, reason } => {
                self.gaps.push((from, to, reason));
                false
            }
            Event::Transport(transport) => {
                self.transports.push(transport);
                false
            }
        }
    }

    /// Takes events up to the next boundary.
    pub(crate) async fn turn(&mut self, from: &mut Subscription) {
        while !self.take(from).await {}
    }

    /// Takes events up to the record `seq`.
    pub(crate) async fn up_to(&mut self, seq: u64, from: &mut Subscription) {
        while self.records.last().is_none_or(|last| last.seq_num < seq) {
            self.take(from).await;
        }
    }
}
