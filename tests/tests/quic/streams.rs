//! I1 over HTTP/3.

use http::Method;
use tidegate_protocol::Record;

use crate::client::{Client, answer};
use crate::gateway::Gateway;

const RECORDS: usize = 40;

/// I1: for every cursor, what was read before it and what a resume reads is the log; over one
/// connection, over TCP after QUIC, and over QUIC after TCP.
#[tokio::test]
async fn i1_every_cursor_resumes() {
    let gateway = Gateway::start().await;
    gateway.create("c").await;
    let mut client = Client::connect(gateway.port).await;
    let mut live = client.read("c", None).await;
    let mut log: Vec<Record> = Vec::new();
    for at in 0..RECORDS {
        gateway.emit("c", &format!("word {at} ")).await;
        log.extend(live.take(1).await);
    }
    assert!(log.iter().map(|record| record.seq_num).eq(0..RECORDS as u64));
    for cursor in 0..RECORDS {
        let rest = &log[cursor + 1..];
        let seq = Some(cursor as u64);
        assert_eq!(client.read("c", seq).await.take(rest.len()).await, rest, "{cursor}");
        let mut over_tcp =
            gateway.tcp().follow("/realtime/v1/sessions/c/out", seq).await.expect("up");
        let mut seen = Vec::new();
        while seen.len() < rest.len() {
            seen.extend(over_tcp.next().await.expect("not cut").expect("not at its end"));
        }
        assert_eq!(seen, rest, "{cursor}");
    }
    assert_eq!(client.read("c", None).await.take(RECORDS).await, log);
}

/// Each record is there as soon as it is written, and reads do not hold each other up.
#[tokio::test]
async fn reads_of_one_connection_are_apart() {
    let gateway = Gateway::start().await;
    let mut client = Client::connect(gateway.port).await;
    let mut readings = Vec::new();
    for name in ["a", "b", "c"] {
        gateway.create(name).await;
        readings.push((name, client.read(name, None).await));
    }
    for round in 0..5_u64 {
        for (name, reading) in readings.iter_mut().rev() {
            gateway.emit(name, "x").await;
            assert_eq!(reading.take(1).await[0].seq_num, round, "{name}");
        }
    }
    gateway.until("streams", 3).await;
    // Who goes away, goes alone; its place is given back.
    drop(readings.swap_remove(0));
    gateway.until("streams", 2).await;
    for (name, reading) in &mut readings {
        gateway.emit(name, "y").await;
        assert_eq!(reading.take(1).await[0].seq_num, 5);
    }
    client.quic.close(0u32.into(), b"");
    gateway.until("streams", 0).await;
    gateway.until("connections", 1).await;
}

/// A body that is not as long as its head says was given up, and is nothing (RFC 9114, 4.1.2).
#[tokio::test]
async fn bodies_are_as_long_as_they_say() {
    let gateway = Gateway::start().await;
    gateway.create("c").await;
    let mut client = Client::connect(gateway.port).await;
    let path = "/realtime/v1/sessions/c/in/append";
    for (length, taken) in [("9", false), ("4", true), ("3", false), ("0", false)] {
        let headers = [("content-length", length)];
        let mut exchange = client.begin(Method::POST, path, &headers).await.expect("sent");
        exchange.send_data("text".into()).await.expect("sent");
        // It may be refused by then.
        let _ = exchange.finish().await;
        let status = answer(&mut exchange).await.map(|answer| answer.status);
        assert_eq!(status.is_ok_and(|status| status == 200), taken, "{length}");
    }
    let records = client.get("/realtime/v1/sessions/c/in/records").await.json();
    assert_eq!(records["records"].as_array().map(Vec::len), Some(1), "{records}");
}

/// What a reader does not take stays in the log: memory does not grow with it, and others read on.
#[tokio::test]
async fn a_reader_that_stands_still_holds_nobody_up() {
    const PIECE: usize = 256 * 1024;
    const PIECES: usize = 24;
    let gateway = Gateway::start().await;
    gateway.create("big").await;
    let mut client = Client::connect(gateway.port).await;
    let mut still = client.read("big", None).await;
    let mut other = client.read("big", None).await;
    for at in 0..PIECES {
        gateway.emit("big", &"x".repeat(PIECE)).await;
        assert_eq!(other.take(1).await[0].seq_num, at as u64);
    }
    let late = still.take(PIECES).await;
    assert!(late.iter().map(|record| record.seq_num).eq(0..PIECES as u64));
}
