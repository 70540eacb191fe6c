//! What clients see of a session whose streams went on in a new epoch.

use std::sync::Arc;
use std::time::Duration;

use tidegate_store::servers::{Config, Redis};

use crate::gateway::Gateway;
use crate::log::Agent;
use crate::report::Report;
use crate::session::Session;
use crate::shared::Topology;

#[tokio::test]
async fn inputs_are_listed_over_the_gap_between_epochs() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let mut redis = Redis::start(Config::new().durable());
    let gateway = Gateway::start(dir.path(), "gateway", &redis.url()).await;
    let report = Arc::new(Report::default());
    let mut session =
        Session::new(gateway.client(), Topology::Single, "c", Agent::Demo, 0, &report);
    session.create().await;
    let silence = Duration::from_secs(5);
    let before = session.say(3, 0).await;
    session.read_answer(silence).await;
    redis.restart();
    let after = session.say(3, 0).await;
    assert!(after > before + 1, "a new epoch");
    session.read_answer(silence).await;
    let inputs = gateway.client().get("/v1/sessions/c/inputs").await.expect("up").json();
    let seqs: Vec<_> = inputs["inputs"].as_array().expect("a list").iter().collect();
    let seqs: Vec<u64> = seqs.iter().filter_map(|input| input["seq"].as_u64()).collect();
    assert_eq!(seqs, [before, after]);
}
