//! The agent link: a WebSocket.

use serde_json::json;
use tidegate_client::{Agent, AgentError, Answer, Turn, Worker};
use tidegate_protocol::control;
use tidegate_tests::process::KEY;

use crate::balancer::{Balancer, Kind};
use crate::events::HANG;
use crate::gateway::Gateway;

pub(crate) async fn turns(kind: Kind) {
    let gateway = Gateway::start().await;
    let balancer = Balancer::start(kind, [&gateway; 2]).await;
    let echo = Agent::new("echo", |turn: Turn, answer: Answer| async move {
        answer.text(&format!("You said: {}", turn.text())).await?;
        Ok::<_, AgentError>(())
    });
    let worker = Worker::connect(&format!("http://{}", balancer.address), KEY).version("1");
    let running = tokio::spawn(worker.agent(echo).run());
    let client = balancer.client();
    let body = json!({
        "type": "chat.agent", "externalId": "c", "taskIdentifier": "echo",
        "triggerConfig": {"basePayload": {"trigger": "preload", "chatId": "c"}},
    });
    // The agent is known from its registration on; until then the session can't be made.
    let created = async {
        loop {
            let answer = client.post("/api/v1/sessions", &[], &body.to_string()).await;
            if answer.expect("up").status < 300 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(HANG, created).await.expect("the worker registers");
    let mut out = client.follow("/realtime/v1/sessions/c/out", None).await.expect("up");
    for (id, words) in [("u1", "hello"), ("u2", "again")] {
        let message = json!({"id": id, "role": "user", "parts": [{"type": "text", "text": words}]});
        let payload = json!({"trigger": "submit-message", "message": message});
        let body = json!({"kind": "message", "payload": payload}).to_string();
        let said = client.post("/realtime/v1/sessions/c/in/append", &[], &body).await;
        assert_eq!(said.expect("up").status, 200);
        let mut text = String::new();
        let answer = async {
            while let Some(records) = out.next().await.expect("not cut") {
                for record in &records {
                    text.push_str(&String::from_utf8_lossy(&record.body));
                }
                if records.iter().any(control::is_boundary) {
                    return;
                }
            }
            panic!("the read ended");
        };
        tokio::time::timeout(HANG, answer).await.expect("a boundary");
        assert!(text.contains(&format!("You said: {words}")), "{text}");
    }
    assert!(!running.is_finished(), "the worker gave up");
    running.abort();
}

/// A worker that reconnects finds its turns: its requests meet one gateway (R-LNK-29).
pub(crate) async fn led(kind: Kind) {
    let gateways = [Gateway::start().await, Gateway::start().await];
    let balancer = Balancer::start(kind, [&gateways[0], &gateways[1]]).await;
    let client = balancer.client();
    let mut met = [0; 2];
    for worker in 0..16 {
        let before = [refused(&gateways[0]).await, refused(&gateways[1]).await];
        for _ in 0..3 {
            // Not a WebSocket, so that it is counted and over.
            let link = format!("/v1/agents/link?worker=w_{worker}");
            assert_eq!(client.get(&link).await.expect("up").status, 400);
        }
        let after = [refused(&gateways[0]).await, refused(&gateways[1]).await];
        let counts = [after[0] - before[0], after[1] - before[1]];
        assert!(counts == [3, 0] || counts == [0, 3], "{worker}: {counts:?}");
        met = [met[0] + counts[0], met[1] + counts[1]];
    }
    assert!(met[0] > 0 && met[1] > 0, "all workers met one gateway: {met:?}");
}

async fn refused(gateway: &Gateway) -> u64 {
    let answer = gateway.client().get("/metrics").await.expect("up");
    let metrics = String::from_utf8_lossy(&answer.body).into_owned();
    let line = metrics.lines().find_map(|line| line.strip_prefix("tidegate_errors_client_total "));
    line.and_then(|count| count.parse().ok()).expect("the metric")
}
