//! Reads and appends.

use tidegate_tests::client::Reader;

use crate::balancer::{Balancer, Kind};
use crate::events::{HANG, Raw, append, create, path};
use crate::gateway::Gateway;

/// The writer goes on only once the reader has what was written before: nothing can be held back.
pub(crate) async fn one_at_a_time(kind: Kind) {
    let gateway = Gateway::start().await;
    let balancer = Balancer::start(kind, [&gateway; 2]).await;
    let client = balancer.client();
    create(&client, "c").await;
    let mut reader = client.follow(&path("c", ""), None).await.expect("up");
    for k in 0..50 {
        let seq = append(&client, "c", &format!("record {k}")).await;
        assert_eq!(seqs(&mut reader).await, [seq], "{k}");
    }
    // A turn of an agent, read to its end.
    let mut out = client.follow("/realtime/v1/sessions/c/out", None).await.expect("up");
    let message = r#"{"kind":"message","payload":{"trigger":"submit-message","message":
        {"id":"u1","role":"user","parts":[{"type":"text","text":"hello"}]}}}"#;
    let said = client.post("/realtime/v1/sessions/c/in/append", &[], message).await.expect("up");
    assert_eq!(said.status, 200);
    let answer = async {
        while let Some(records) = out.next().await.expect("not cut") {
            if records.iter().any(tidegate_protocol::control::is_boundary) {
                return;
            }
        }
        panic!("the read ended");
    };
    tokio::time::timeout(HANG, answer).await.expect("a boundary");
}

/// Two pings are 20 s of silence.
pub(crate) async fn silent(kind: Kind) {
    let gateway = Gateway::start().await;
    let balancer = Balancer::start(kind, [&gateway; 2]).await;
    let client = balancer.client();
    create(&client, "c").await;
    let mut events = Raw::open(&balancer.address, &path("c", "")).await;
    for _ in 0..2 {
        assert_eq!(events.next().await.event.as_deref(), Some("ping"));
    }
    append(&client, "c", "after the silence").await;
    assert_eq!(events.next().await.event.as_deref(), Some("batch"));
}

pub(crate) async fn cut(kind: Kind) {
    let gateway = Gateway::start().await;
    let mut balancer = Balancer::start(kind, [&gateway; 2]).await;
    let client = balancer.client();
    create(&client, "c").await;
    let mut reader = client.follow(&path("c", ""), None).await.expect("up");
    for k in 0..3 {
        append(&client, "c", &format!("record {k}")).await;
        assert_eq!(seqs(&mut reader).await, [k]);
    }
    balancer.restart().await;
    let cut = tokio::time::timeout(HANG, reader.next()).await.expect("the read ended");
    assert!(!matches!(cut, Ok(Some(_))), "{cut:?}");
    append(&client, "c", "record 3").await;
    let mut reader = client.follow(&path("c", ""), Some(2)).await.expect("up");
    assert_eq!(seqs(&mut reader).await, [3]);
}

pub(crate) async fn addresses(kind: Kind) {
    let gateway = Gateway::start().await;
    let balancer = Balancer::start(kind, [&gateway; 2]).await;
    let url = format!("http://{}", balancer.address);
    // Also where the client claims something else.
    for claims in [
        &[][..],
        &[("x-forwarded-host", "evil.example.com"), ("x-forwarded-proto", "https")],
        &[("forwarded", "for=192.0.2.1;proto=https;host=evil.example.com")],
    ] {
        create(&balancer.client(), "c").await;
        let told = balancer.client().answer("GET", "/.well-known/tidegate", claims, "").await;
        assert_eq!(told.expect("up").json()["url"], url, "{claims:?}");
    }
}

async fn seqs(reader: &mut Reader) -> Vec<u64> {
    let records = tokio::time::timeout(HANG, reader.next()).await.expect("a record");
    let records = records.expect("not cut").expect("not the end");
    records.iter().map(|record| record.seq_num).collect()
}
