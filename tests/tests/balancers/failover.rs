//! One of two gateways is killed.

use std::collections::BTreeMap;

use serde_json::json;
use tidegate_tests::client::Reader;

use crate::balancer::{Balancer, Kind};
use crate::events::{HANG, Raw, append, create, path};
use crate::gateway::Gateway;

/// Readers of which surely one is led to either gateway.
const MANY: usize = 64;

/// Both have the session, each in a store of its own, so what each of them stored can be told.
pub(crate) async fn killed(kind: Kind) {
    let (mut first, second) = (Gateway::start().await, Gateway::start().await);
    let balancer = Balancer::start(kind, [&first, &second]).await;
    create(&first.client(), "c").await;
    create(&second.client(), "c").await;
    let client = balancer.client();
    append(&first.client(), "c", "of the first").await;
    append(&second.client(), "c", "of the second").await;
    // The balancer may lead by chance; one of them must be at the gateway that is killed.
    let mut readers = Vec::new();
    let mut is_read = false;
    while !is_read {
        assert!(readers.len() < MANY, "nobody is led to the first gateway");
        let mut reader = client.follow(&path("c", ""), None).await.expect("up");
        let records = reader.next().await.expect("a record").expect("one is there");
        is_read = String::from_utf8_lossy(&records[0].body).contains("of the first");
        readers.push(reader);
    }
    let mut stored: BTreeMap<String, u32> = BTreeMap::new();
    for k in 0..30 {
        if k == 10 {
            first.kill();
        }
        let part = format!("part {k}");
        let body = json!(part).to_string();
        // As clients do: the same part again until it is stored.
        let to = path("c", "/append");
        let tries = async {
            loop {
                match client.post(&to, &[("x-part-id", &part)], &body).await {
                    Ok(answer) if answer.status == 200 => return,
                    Ok(answer) => assert!(answer.status >= 500, "{}", answer.status),
                    Err(_) => {}
                }
            }
        };
        tokio::time::timeout(HANG, tries).await.expect("stored");
    }
    let page = second.client().get(&path("c", "/records")).await.expect("up").json();
    for record in page["records"].as_array().expect("records") {
        let text = record["data"].as_str().expect("text");
        *stored.entry(text.to_owned()).or_default() += 1;
    }
    for k in 10..30 {
        let part = json!(format!("part {k}")).to_string();
        assert_eq!(stored.get(&part), Some(&1), "{part}: {page}");
    }
    let mut ended = 0;
    for mut reader in readers {
        if tokio::time::timeout(HANG, is_cut(&mut reader)).await.expect("told either way") {
            ended += 1;
            // It comes back, and reads the other one.
            let mut reader = Raw::open(&balancer.address, &path("c", "")).await;
            assert_eq!(reader.next().await.event.as_deref(), Some("batch"));
        }
    }
    assert!(ended > 0, "nobody read the killed gateway");
    append(&client, "c", "the end").await;
}

/// Does the read end before the last record?
async fn is_cut(reader: &mut Reader) -> bool {
    while let Ok(Some(records)) = reader.next().await {
        let is_last = |body: &[u8]| String::from_utf8_lossy(body).contains("part 29");
        if records.iter().any(|record| is_last(&record.body)) {
            return false;
        }
    }
    true
}
