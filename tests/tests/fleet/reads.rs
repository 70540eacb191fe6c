//! Runs that read their session's `.in` at another gateway than the one that serves it (R-RUNS-23).

use std::future::poll_fn;

use serde_json::json;
use tidegate_core::Gateway;
use tidegate_core::runs::book::RunStatus;
use tidegate_core::streams::read::Reading;
use tidegate_core::workers::{Link, LinkEvent};
use tidegate_protocol::ErrorCode;
use tidegate_protocol::cursor::Start;
use tidegate_protocol::ids::Channel;
use tidegate_protocol::link::{AgentSpec, BootFrame, GatewayFrame, Hello, Mode, WorkerFrame};
use tidegate_store::servers::{Config, Redis};

use crate::nodes::{Nodes, at, over_redis};

#[tokio::test(flavor = "multi_thread")]
async fn memory_a_run_that_is_over_sees_nothing_more_at_another_gateway() {
    let mut nodes = Nodes::new();
    let (a, b) = (nodes.start("a").await, nodes.start("b").await);
    a_run_that_is_over_sees_nothing_more_at_another_gateway(a, b).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_a_run_that_is_over_sees_nothing_more_at_another_gateway() {
    let server = Redis::start(Config::default());
    let (a, b) = (over_redis(&server, 1).await, over_redis(&server, 2).await);
    a_run_that_is_over_sees_nothing_more_at_another_gateway(a, b).await;
}

async fn a_run_that_is_over_sees_nothing_more_at_another_gateway(a: Gateway, b: Gateway) {
    let mut worker = link(&a, "w").await;
    let chat = at(&a, "s");
    let body = json!({"type": "chat.agent", "externalId": "s", "taskIdentifier": "linked",
        "triggerConfig": {"basePayload": {"trigger": "preload"}}});
    let request = serde_json::from_value(body).expect("well-typed");
    chat.gateway.create_session(&chat.principal, request, None).await.expect("created");
    let boot = boot(&mut worker).await;
    let run = b.access().authenticate(&boot.token).expect("a run's token");
    let read = || b.open_read(&run, "s", &Channel::IN, Start::Floor);
    let mut reading = read().await.expect("it is live");
    let first = chat.say("u1", "one").await;
    assert_eq!(next(&mut reading).await, Some(vec![first]), "it sees what is for it");
    // Its worker's link ends, and the run goes on reading.
    worker.receive(WorkerFrame::Bye, 1).await;
    drop(worker);
    while a.retrieve_run(&chat.principal, &boot.run).await.expect("known").run.status
        != RunStatus::Crashed
    {
        tokio::task::yield_now().await;
    }
    chat.say("u2", "two").await;
    assert_eq!(next(&mut reading).await, None, "its read ends");
    let refused = read().await.map(drop).map_err(|error| error.code);
    assert_eq!(refused, Err(ErrorCode::Fenced));
}

/// A worker of an agent whose runs read over HTTP.
async fn link(gateway: &Gateway, name: &str) -> Link {
    let principal = gateway.access().authenticate("tr_dev_root").expect("the key");
    let mut link = gateway.open_link(&principal).expect("not draining");
    let agents = vec![AgentSpec::new("linked", Mode::Http)];
    let worker = name.to_owned();
    let hello = Hello { worker, epoch: 1, capacity: 1, agents, work: Vec::new() };
    link.receive(WorkerFrame::Hello(hello), 0).await;
    link
}

async fn boot(worker: &mut Link) -> Box<BootFrame> {
    loop {
        match worker.next().await {
            LinkEvent::Send(GatewayFrame::Boot(boot)) => return boot,
            LinkEvent::Send(_) => {}
            LinkEvent::Close { code, reason } => panic!("closed: {code} {reason}"),
        }
    }
}

/// The seqs that come next; `None` once the read has to end.
async fn next(reading: &mut Reading) -> Option<Vec<u64>> {
    let over = reading.over.clone().expect("a run's");
    tokio::select! {
        biased;
        delivery = poll_fn(|cx| reading.follower.poll_next(cx)) => {
            let delivery = delivery.expect("the store is up");
            Some(delivery.records().iter().map(|record| record.seq_num).collect())
        }
        () = over.cancelled() => None,
    }
}
