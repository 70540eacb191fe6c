//! A gateway with a small service in place of an engine: it takes sessions at `/echo`. Lines on the
//! control stream are `open ID COUNT BYTES` (a stream of so many lines of so many bytes),
//! `close CODE REASON`, or anything else, which is sent back.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use http::request::Parts;
use tidegate_core::access::{Access, Environment};
use tidegate_core::agents::Agents;
use tidegate_core::channels::Channels;
use tidegate_core::gateway::{Gateway, Parts as GatewayParts};
use tidegate_core::seams::clock::SystemClock;
use tidegate_core::seams::store::{Retention, StreamStore};
use tidegate_core::seams::{Clock, Entropy};
use tidegate_core::turns::TurnLimits;
use tidegate_transport::config::{Http3, Limits, ListenConfig, RateLimit, TlsPem, TransportConfig};
use tidegate_transport::proxies::Proxies;
use tidegate_transport::service::{Response, Setup};
use tidegate_transport::webtransport::{Closed, Offer, Session};
use tidegate_transport::{Body, Server, Service, TransportMetrics};
use tokio::sync::mpsc;

/// The key of its environment.
pub(crate) const KEY: &str = "tr_dev_echo";
/// Longest line of the control stream.
pub(crate) const LINE_MAX_BYTES: usize = 4096;

/// A running gateway, and how its sessions ended.
#[derive(Debug)]
pub(crate) struct Gate {
    /// It listens for TLS over TCP and for QUIC.
    pub(crate) server: Server,
    /// The ends of sessions that clients ended.
    pub(crate) ends: mpsc::Receiver<Closed>,
    /// Its counters.
    pub(crate) metrics: Arc<TransportMetrics>,
    /// What it serves.
    pub(crate) gateway: Gateway,
}

/// Starts it. Needs a runtime.
pub(crate) fn start(address: SocketAddr, tls: TlsPem, limits: Limits) -> Gate {
    let config = TransportConfig {
        listeners: vec![ListenConfig { address, tls: Some(tls) }],
        public_url: None,
        s2_url: None,
        proxies: Proxies::default(),
        limits,
        rate_limit: RateLimit::default(),
        http3: Some(Http3::default()),
    };
    let (ended, ends) = mpsc::channel(64);
    let extra = move |parts: &Parts| {
        let offer = parts.extensions.get::<Offer>().filter(|_| parts.uri.path() == "/echo")?;
        let ended = ended.clone();
        offer.serve_with(move |session| serve(session, ended));
        Some(Response::new(Body::empty()))
    };
    let (metrics, gateway) = (Arc::new(TransportMetrics::default()), gateway());
    let setup = Setup {
        gateway: gateway.clone(),
        ready: Arc::new(AtomicBool::new(true)),
        extra: Some(Arc::new(extra)),
        metrics: Arc::clone(&metrics),
    };
    let service = Service::new(setup, &config);
    let server = Server::start(&config, &service).expect("the port is free");
    Gate { server, ends, metrics, gateway }
}

async fn serve(session: Session, ended: mpsc::Sender<Closed>) {
    let lines = async {
        let mut control = session.control(LINE_MAX_BYTES).await;
        while let Some(line) = control.frame().await {
            let Ok(line) = line else { return session.close(4400, "no line") };
            let text = String::from_utf8_lossy(&line).into_owned();
            let words: Vec<&str> = text.splitn(4, ' ').collect();
            match words[..] {
                ["open", id, count, bytes] => {
                    let (count, bytes) = (number(count), number(bytes));
                    tokio::spawn(write(session.clone(), id.to_owned(), count, bytes));
                }
                ["close", code, ..] => {
                    let reason = text.splitn(3, ' ').nth(2).unwrap_or_default();
                    session.close(u32::try_from(number(code)).expect("a code"), reason);
                }
                _ => {
                    let echo = [&line[..], b"\n"].concat();
                    if control.write(Bytes::from(echo)).await.is_err() {
                        return;
                    }
                }
            }
        }
        // The control stream has ended; the session has not.
        std::future::pending().await
    };
    tokio::select! {
        () = lines => {}
        end = session.closed() => ended.send(end).await.unwrap_or_default(),
    }
}

async fn write(session: Session, id: String, count: usize, bytes: usize) {
    let Ok(mut stream) = session.open_stream().await else { return };
    let first = format!("{{\"t\":\"stream\",\"id\":{id}}}\n");
    let line = Bytes::from([vec![b'x'; bytes], b"\n".to_vec()].concat());
    if stream.write(first.into()).await.is_err() {
        return;
    }
    for _ in 0..count {
        if stream.write(line.clone()).await.is_err() {
            return;
        }
    }
}

fn number(text: &str) -> usize {
    text.parse().expect("a number")
}

fn gateway() -> Gateway {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = tidegate_store::open("memory:", Arc::clone(&clock), Retention::default());
    let store = store.expect("the store opens");
    let channels = Arc::new(Channels::default());
    store.set_listener(Arc::<Channels>::clone(&channels));
    let environment = Environment::new("dev", vec![KEY.to_owned()]);
    Gateway::new(GatewayParts {
        store: store as Arc<dyn StreamStore>,
        channels,
        access: Access::new(vec![environment], Arc::clone(&clock)),
        agents: Agents::new(HashMap::new()),
        limits: TurnLimits::default(),
        clock,
        entropy: Arc::new(Counter(AtomicU64::new(1))),
        fleet: None,
    })
}

#[derive(Debug)]
struct Counter(AtomicU64);

impl Entropy for Counter {
    fn next_u128(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed))
    }
}
