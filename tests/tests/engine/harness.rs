//! A gateway without sockets: the engine over a real store, with the demo backend.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tidegate_core::access::{Access, Environment, Principal};
use tidegate_core::agents::{Agent, Agents};
use tidegate_core::channels::Channels;
use tidegate_core::gateway::{Gateway, Parts};
use tidegate_core::seams::clock::SystemClock;
use tidegate_core::seams::store::{Fate, Retention, StreamStore};
use tidegate_core::seams::{Clock, Entropy};
use tidegate_core::sessions::create::Created;
use tidegate_core::streams::append::AppendRequest;
use tidegate_core::turns::TurnLimits;
use tidegate_protocol::cursor::Start;
use tidegate_protocol::ids::Channel;
use tidegate_protocol::record::Envelope;
use tidegate_protocol::{ApiError, Record, control};

#[derive(Debug)]
struct Counter(AtomicU64);

const SPREAD: u128 = 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835;

impl Entropy for Counter {
    fn next_u128(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::Relaxed)).wrapping_mul(SPREAD)
    }
}

/// Different numbers, the same in every run.
pub(crate) fn entropy(seed: u64) -> Arc<dyn Entropy> {
    Arc::new(Counter(AtomicU64::new(seed)))
}

/// One chat with the agent `demo`.
pub(crate) struct Chat {
    pub(crate) gateway: Gateway,
    pub(crate) principal: Principal,
    pub(crate) name: String,
}

/// A gateway over `url`, as it would be after a start.
pub(crate) async fn gateway(url: &str, entropy: u64) -> Gateway {
    gateway_at(url, entropy, Arc::new(SystemClock)).await
}

pub(crate) async fn gateway_at(url: &str, entropy: u64, clock: Arc<dyn Clock>) -> Gateway {
    let entropy = self::entropy(entropy);
    let opened = tidegate_store::open(url, Arc::clone(&clock), Retention::default());
    let store = opened.expect("the store opens");
    let channels = Arc::new(Channels::default());
    store.set_listener(Arc::<Channels>::clone(&channels));
    let store: Arc<dyn StreamStore> = store;
    let backend = |table: Value| {
        let backend = tidegate_agents::build("demo", "demo", table).expect("a right table");
        Agent::turns(backend, false)
    };
    let agents = HashMap::from([("demo".to_owned(), backend(json!({"words_per_second": 0})))]);
    let agents = Agents::new(agents);
    let keys = vec!["tr_dev_root".to_owned()];
    let access = Access::new(vec![Environment::new("dev", keys)], Arc::clone(&clock));
    let limits = TurnLimits::default();
    let gateway = Gateway::new(Parts {
        store,
        channels,
        access,
        agents,
        limits,
        clock,
        entropy,
        fleet: None,
    });
    gateway.wake_owing().await.expect("the store can be read");
    gateway
}

impl Chat {
    pub(crate) async fn new(name: &str) -> Self {
        let gateway = gateway("memory:", 1).await;
        let chat = Self::of(gateway, name);
        chat.create(json!({"trigger": "preload"})).await.expect("created");
        chat
    }

    pub(crate) fn of(gateway: Gateway, name: &str) -> Self {
        let principal = gateway.access().authenticate("tr_dev_root").expect("the key");
        Self { gateway, principal, name: name.to_owned() }
    }

    pub(crate) async fn create(&self, base_payload: Value) -> Result<Created, ApiError> {
        let body = json!({
            "type": "chat.agent", "externalId": self.name, "taskIdentifier": "demo",
            "triggerConfig": {"basePayload": base_payload},
        });
        let request = serde_json::from_value(body).expect("well-typed");
        self.gateway.create_session(&self.principal, request, None).await
    }

    pub(crate) async fn append(&self, body: Value) -> u64 {
        self.try_append(body).await.expect("appended")
    }

    pub(crate) async fn try_append(&self, body: Value) -> Result<u64, ApiError> {
        let request = AppendRequest { body: body.to_string().into(), ..Default::default() };
        let append = self.gateway.append(&self.principal, &self.name, &Channel::IN, request);
        append.await.map(|appended| appended.first)
    }

    pub(crate) async fn say(&self, id: &str, text: &str) -> u64 {
        self.append(json!({"kind": "message", "payload": {
            "trigger": "submit-message", "message": user(id, text)}}))
            .await
    }

    pub(crate) async fn payload(&self, payload: Value) -> u64 {
        self.append(json!({"kind": "message", "payload": payload})).await
    }

    pub(crate) async fn stop(&self) -> u64 {
        self.append(json!({"kind": "stop"})).await
    }

    /// A stop as a browser sends it, with a session token.
    pub(crate) async fn stop_from_browser(&self) -> u64 {
        let token = self.gateway.access().mint_session_token("dev", &self.name).expect("a token");
        let principal = self.gateway.access().authenticate(&token).expect("valid");
        let body = json!({"kind": "stop"}).to_string().into();
        let request = AppendRequest { body, ..Default::default() };
        let append = self.gateway.append(&principal, &self.name, &Channel::IN, request);
        append.await.expect("appended").first
    }

    /// Records of `.out` after `cursor` until `done` says so, the last one included.
    pub(crate) async fn read(
        &self,
        cursor: Option<u64>,
        mut done: impl FnMut(&Record) -> bool,
    ) -> Vec<Record> {
        let start = cursor.map_or(Start::Floor, Start::after);
        let read = self.gateway.open_read(&self.principal, &self.name, &Channel::OUT, start);
        let mut follower = read.await.expect("readable").follower;
        let mut all = Vec::new();
        loop {
            let delivery = poll_fn(|cx| follower.poll_next(cx)).await.expect("the store is up");
            for record in delivery.records() {
                all.push(record.clone());
                if done(record) {
                    return all;
                }
            }
        }
    }

    /// Records up to the boundary that covers the input at `seq`.
    pub(crate) async fn answer_to(&self, seq: u64) -> Vec<Record> {
        self.read(None, |record| floor(record).is_some_and(|floor| floor >= seq)).await
    }

    pub(crate) async fn transcript(&self) -> Vec<Value> {
        let page = self.gateway.transcript(&self.principal, &self.name, 1_000, None).await;
        page.expect("readable").messages
    }

    pub(crate) async fn fates(&self) -> Vec<Option<Fate>> {
        let fates = self.gateway.input_fates(&self.principal, &self.name, None, 1_000).await;
        fates.expect("readable").into_iter().map(|input| input.fate).collect()
    }
}

pub(crate) fn user(id: &str, text: &str) -> Value {
    json!({"id": id, "role": "user", "parts": [{"type": "text", "text": text}]})
}

pub(crate) fn floor(record: &Record) -> Option<u64> {
    record.header(control::IN_EVENT_ID)?.parse().ok()
}

/// The chunks among `records`.
pub(crate) fn chunks(records: &[Record]) -> Vec<Value> {
    let data = records.iter().filter_map(Envelope::of);
    data.map(|envelope| serde_json::from_str(envelope.data.0.get()).expect("JSON")).collect()
}

/// The types of the chunks among `records`.
pub(crate) fn types(records: &[Record]) -> Vec<String> {
    chunks(records).iter().filter_map(|c| c["type"].as_str().map(str::to_owned)).collect()
}

/// The text among `records`.
pub(crate) fn text(records: &[Record]) -> String {
    chunks(records).iter().filter_map(|chunk| chunk["delta"].as_str()).collect()
}

/// Text of a UIMessage.
pub(crate) fn message_text(message: &Value) -> String {
    let parts = message["parts"].as_array().expect("parts");
    parts.iter().filter_map(|part| part["text"].as_str()).collect()
}
