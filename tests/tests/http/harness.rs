//! A gateway on a free port.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_core::gateway::Gateway;
use tidegate_transport::config::{Limits, ListenConfig, RateLimit, TlsPem, TransportConfig};
use tidegate_transport::proxies::Proxies;
use tidegate_transport::service::Setup;
use tidegate_transport::{Server, Service, TransportMetrics};

use crate::client::{Answer, Client};
use crate::plan::Plan;

/// A key of the shape for which the gateway mints.
pub(crate) const KEY: &str = "tr_dev_sk_abcdefghijklmnopqrstuvwx";
/// A key that its holder signs with.
pub(crate) const ROOT_KEY: &str = "tr_dev_root";
/// The key of another environment.
pub(crate) const FOREIGN_KEY: &str = "tr_prod_sk_abcdefghijklmnopqrstuvwx";
/// A self-signed certificate of `localhost`, for tests alone.
pub(crate) const CERT: &[u8] = include_bytes!("localhost.cert.pem");
const CERT_KEY: &[u8] = include_bytes!("localhost.key.pem");

/// A running gateway.
pub(crate) struct Gate {
    pub(crate) gateway: Gateway,
    pub(crate) server: Server,
    pub(crate) metrics: Arc<TransportMetrics>,
    pub(crate) ready: Arc<AtomicBool>,
}

impl Gate {
    /// With defaults: a plain listener and, after it, one with TLS.
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// Of other parts.
    pub(crate) async fn of(plan: &Plan) -> Self {
        Self::build(plan, |_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut TransportConfig)) -> Self {
        Self::build(&Plan::default(), change).await
    }

    /// Of other parts, with another configuration.
    pub(crate) async fn build(plan: &Plan, change: impl FnOnce(&mut TransportConfig)) -> Self {
        let address = ([127, 0, 0, 1], 0).into();
        let tls = TlsPem { cert: CERT.to_vec(), key: CERT_KEY.to_vec() };
        let mut config = TransportConfig {
            listeners: vec![
                ListenConfig { address, tls: None },
                ListenConfig { address, tls: Some(tls) },
            ],
            public_url: None,
            s2_url: None,
            proxies: Proxies::default(),
            limits: Limits::default(),
            rate_limit: RateLimit::default(),
            http3: None,
        };
        change(&mut config);
        let gateway = plan.gateway();
        gateway.wake_owing().await.expect("the store can be read");
        let metrics = Arc::new(TransportMetrics::default());
        let ready = Arc::new(AtomicBool::new(true));
        let setup = Setup {
            gateway: gateway.clone(),
            ready: Arc::clone(&ready),
            extra: None,
            metrics: Arc::clone(&metrics),
        };
        let service = Service::new(setup, &config);
        let server = Server::start(&config, &service).expect("a free port");
        Self { gateway, server, metrics, ready }
    }

    /// Ends it as a stop of the process would, so that its store can be opened again.
    pub(crate) async fn end(self) {
        self.server.drain(Duration::from_secs(20)).await;
        self.gateway.turns().drain().await;
        self.gateway.store().close().await.expect("it closes");
    }

    /// A client with the secret key.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.server.local_addr(), KEY)
    }

    pub(crate) fn as_bearer(&self, bearer: &str) -> Client {
        Client::new(self.server.local_addr(), bearer)
    }

    /// A token with these scopes.
    pub(crate) fn token(&self, scopes: &[&str]) -> String {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let access = self.gateway.access();
        access.mint("dev", scopes, access.now_s() + 600, None, None).expect("a key")
    }

    /// Creates a session and answers what the create answered.
    pub(crate) async fn create(&self, name: &str) -> Value {
        let answer = self.try_create(name).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    pub(crate) async fn try_create(&self, name: &str) -> Answer {
        self.client().post("/api/v1/sessions", &create_body(name).to_string()).await
    }

    /// Appends chunks to `.out`, one request each.
    pub(crate) async fn emit(&self, name: &str, texts: &[&str]) {
        for text in texts {
            let chunk = json!({"type": "text-delta", "id": "t", "delta": text}).to_string();
            let path = format!("/realtime/v1/sessions/{name}/out/append");
            assert_eq!(self.client().post(&path, &chunk).await.status, 200);
        }
    }

    /// Waits until a metric has a value.
    pub(crate) async fn until_gauge(&self, name: &str, value: u64) {
        let wait = async {
            while !self.metrics.gauges().contains(&(gauge_name(name), value)) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(10), wait).await;
        waited.unwrap_or_else(|_| panic!("{name} never was {value}: {:?}", self.metrics.gauges()));
    }
}

fn gauge_name(name: &str) -> &'static str {
    match name {
        "streams" => "streams",
        _ => "connections",
    }
}

/// The body of a create.
pub(crate) fn create_body(name: &str) -> Value {
    json!({
        "type": "chat.agent", "externalId": name, "taskIdentifier": "demo",
        "triggerConfig": {"basePayload": {"trigger": "preload", "chatId": name}},
    })
}

/// A message as chat clients append it.
pub(crate) fn message(id: &str, text: &str) -> Value {
    let parts = json!([{"type": "text", "text": text}]);
    json!({"kind": "message", "payload": {
        "message": {"id": id, "role": "user", "parts": parts}, "trigger": "submit-message"}})
}
