//! I1 under a reader that changes transport and gateway all the time, while answers are written and
//! gateways are killed (R-DPX-29).

#![allow(clippy::print_stdout, reason = "a seed must be known where a test failed")]

use std::path::Path;

use serde_json::json;
use tidegate_protocol::Record;
use tidegate_store::servers::{Config, Redis};
use tidegate_tests::client::Client;
use tidegate_tests::process::{self, Gateway};

use crate::chat::{floor, without_token};
use crate::duplex::pipe::Pipe;
use crate::duplex::rng::{Rng, is_long, seed};
use crate::duplex::wire::{Via, Wire};
use crate::harness::{create_body, message};

const AGENTS: &str = "[[agent]]\nid = \"demo\"\nbackend = \"demo\"\nwords_per_second = 0\n";
const OUT: &str = "/realtime/v1/sessions/c/out";

async fn start(folder: &Path, store: &str) -> Gateway {
    let pem = |name| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http").join(name);
    let files = (pem("localhost.cert.pem"), pem("localhost.key.pem"));
    Gateway::start_secure(folder, store, AGENTS, (&files.0, &files.1)).await
}

fn turns() -> u64 {
    if is_long() { 200 } else { 6 }
}

#[derive(Clone, Copy)]
enum How {
    Sse,
    Duplex(Via),
}

const WAYS: [How; 3] = [How::Sse, How::Duplex(Via::WebSocket), How::Duplex(Via::WebTransport)];

/// Up to `count` records after `cursor`, and not beyond the boundary of the turn that was `asked`
/// for; fewer if the gateway is killed.
async fn hop(
    gateway: &Gateway,
    cursor: Option<u64>,
    (count, asked): (usize, Option<u64>),
    how: How,
) -> Vec<Record> {
    let is_over = |records: &[Record]| {
        records.len() >= count || records.iter().any(|record| ends(record, asked))
    };
    let mut records = Vec::new();
    let How::Duplex(via) = how else {
        let client = Client::new(&gateway.address, process::KEY);
        let Ok(mut reader) = client.follow(OUT, cursor).await else { return records };
        while !is_over(&records) {
            let Ok(Some(some)) = reader.next().await else { break };
            records.extend(some);
        }
        return records;
    };
    let pipe = match via {
        Via::WebSocket => Pipe::plain_socket(gateway.address.parse().expect("an address")).await,
        Via::WebTransport => Some(Pipe::session(gateway.secure.expect("asked for")).await),
    };
    let Some(mut wire) = pipe.map(Wire::over) else { return records };
    if !wire.greet(process::KEY).await {
        return records;
    }
    let mut subscribe = json!({"t": "subscribe", "id": 1, "session": "c", "window": 4_000});
    if let Some(cursor) = cursor {
        subscribe["after"] = cursor.into();
    }
    wire.send(&subscribe).await;
    while !is_over(&records) {
        let Ok(frame) = wire.try_next().await else { break };
        if frame["t"] == "batch" {
            records.extend(crate::duplex::wire::records(&frame));
            let seq = records.last().map(|record: &Record| record.seq_num);
            wire.send(&json!({"t": "ack", "id": 1, "seq": seq})).await;
        }
    }
    records
}

/// Is it the boundary of the turn that was `asked` for, or of a later one?
fn ends(record: &Record, asked: Option<u64>) -> bool {
    asked.is_some() && floor(record) >= asked
}

async fn hops(mut gateways: Vec<Gateway>, kills: bool) {
    let seed = seed();
    println!("TIDEGATE_SEED={seed}");
    let mut rng = Rng::new(seed);
    let client = gateways[0].client();
    let created = client.post("/api/v1/sessions", &[], &create_body("c").to_string()).await;
    assert_eq!(created.expect("up").status, 201);
    let mut log: Vec<Record> = Vec::new();
    for turn in 0..turns() {
        let body = message(&format!("u{turn}"), "/words 60 2").to_string();
        let part = format!("p{turn}");
        let asked = loop {
            let at = rng.below(gateways.len() as u64) as usize;
            let path = "/realtime/v1/sessions/c/in/append";
            let headers = [("x-part-id", part.as_str())];
            match gateways[at].client().post(path, &headers, &body).await {
                Ok(answer) if answer.status == 200 => break answer.json()["seq"].as_u64(),
                _ => {}
            }
        };
        while !log.iter().any(|record| ends(record, asked)) {
            let at = rng.below(gateways.len() as u64) as usize;
            let cursor = log.last().map(|record| record.seq_num);
            let count = 1 + rng.below(20) as usize;
            if kills && rng.below(10) == 0 {
                gateways[at].kill();
                gateways[at].restart().await;
            }
            log.extend(
                hop(&gateways[at], cursor, (count, asked), WAYS[rng.below(3) as usize]).await,
            );
        }
    }
    let log: Vec<_> = log.into_iter().map(without_token).collect();
    let seqs: Vec<u64> = log.iter().map(|record| record.seq_num).collect();
    assert_eq!(seqs, (0..log.len() as u64).collect::<Vec<_>>());
    let whole = hop(&gateways[0], Some(0), (log.len() - 1, None), How::Sse).await;
    let whole: Vec<_> = whole.into_iter().map(without_token).collect();
    assert_eq!(whole, log[1..]);
}

#[tokio::test]
async fn i1_transports_change_in_memory() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    hops(vec![start(folder.path(), "memory:").await], false).await;
}

#[tokio::test]
async fn i1_transports_change_on_disk_under_kills() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("disk:{}", folder.path().join("data").display());
    hops(vec![start(folder.path(), &url).await], true).await;
}

#[tokio::test]
async fn i1_transports_and_gateways_change_on_redis() {
    let folders = [(); 3].map(|()| tempfile::tempdir().expect("a temporary folder"));
    let redis = Redis::start(Config::default());
    let mut gateways = Vec::new();
    for folder in &folders {
        gateways.push(start(folder.path(), &redis.url()).await);
    }
    hops(gateways, true).await;
}
