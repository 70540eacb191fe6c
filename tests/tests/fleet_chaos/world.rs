//! Everything that runs: the store, the gateways, HAProxy, and workers.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tidegate_tests::client::Client;
use tokio::time::{sleep, timeout};

use crate::balancer::{Balancer, Kind};
use crate::gateway::Gateway;
use crate::session::PATIENCE;
use crate::shared::{Shared, Topology};
use crate::worker::{Mode, Worker};

/// How many gateways.
pub(crate) const NODES: usize = 3;
const CAPACITY: usize = 16;

/// See the module.
pub(crate) struct World {
    pub(crate) topology: Topology,
    pub(crate) shared: Shared,
    pub(crate) gateways: Vec<Gateway>,
    pub(crate) balancer: Balancer,
    pub(crate) workers: Vec<Worker>,
}

impl World {
    pub(crate) async fn start(dir: &Path, topology: Topology) -> Self {
        let shared = Shared::start(topology).await;
        let mut gateways = Vec::new();
        for node in 0..NODES {
            let url = shared.url(node);
            gateways.push(Gateway::start(dir, &format!("gateway{node}"), &url).await);
        }
        let balancer = balance(&gateways).await;
        let mut workers = Vec::new();
        // Modes are mixed over the nodes, and no node has all that one mode needs.
        for (node, mode) in [(0, Mode::Turns), (1, Mode::Runs), (2, Mode::Turns), (2, Mode::Runs)] {
            let name = format!("{}{node}", mode.agent());
            let address = &gateways[node].address;
            workers.push(Worker::start(dir, address, mode, &name, "1", CAPACITY).await);
        }
        for gateway in &gateways {
            know(gateway, Mode::Turns).await;
            know(gateway, Mode::Runs).await;
        }
        Self { topology, shared, gateways, balancer, workers }
    }

    /// Through HAProxy.
    pub(crate) fn client(&self) -> Client {
        self.balancer.client()
    }
}

/// Waits until a gateway knows of the workers.
async fn know(gateway: &Gateway, mode: Mode) {
    let client = gateway.client();
    let body = json!({
        "type": "chat.agent", "externalId": format!("probe-{}", mode.agent()),
        "taskIdentifier": mode.agent(), "triggerConfig": {"basePayload": {"trigger": "preload"}},
    });
    let knows = async {
        loop {
            let answer = client.post("/api/v1/sessions", &[], &body.to_string()).await;
            if answer.is_ok_and(|answer| answer.status < 300) {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, knows).await.expect("a worker registers");
}

/// The file of the documentation names two gateways; here are three.
async fn balance(gateways: &[Gateway]) -> Balancer {
    let [first, second, third] = gateways else { panic!("three gateways") };
    Balancer::with(Kind::Haproxy, [first, second], |config| {
        let second_of = |tail: &str| format!("    server gateway2 {}{tail}\n", second.address);
        let mut config = config;
        for tail in ["", " track tidegate/gateway2"] {
            let line = second_of(tail);
            assert!(config.contains(&line), "{line:?} is in\n{config}");
            let third_line =
                line.replace("gateway2", "gateway3").replace(&second.address, &third.address);
            config = config.replace(&line, &format!("{line}{third_line}"));
        }
        config
    })
    .await
}
