//! What retention dropped, and what it never drops.

use tidegate_core::seams::store::{Commit, Floor, Op, Retention};
use tidegate_protocol::ids::Channel;

use crate::chat::{Chat, errors, text};
use crate::harness::Gate;
use crate::plan::Plan;

fn keeping(records: u64, plan: Plan) -> Plan {
    Plan { retention: Retention { records, ..Retention::default() }, ..plan }
}

async fn enforce(gate: &Gate) -> u64 {
    let store = gate.gateway.store();
    store.enforce_retention(gate.gateway.now()).await.expect("the store is up")
}

/// Every way to read from below the floor gives the log from the floor on.
async fn is_clamped(gate: &Gate, chat: &Chat, floor: u64, tail: u64) {
    let out = chat.path("out");
    let rest: Vec<u64> = (floor..tail).collect();
    for cursor in [None, Some("0"), Some("3")] {
        let headers: Vec<_> = cursor.iter().map(|cursor| ("last-event-id", *cursor)).collect();
        let records = chat.client.read(&out, &headers).await.take(rest.len()).await;
        let seqs: Vec<u64> = records.iter().map(|record| record.seq_num).collect();
        assert_eq!(seqs, rest, "after {cursor:?}");
        let query = cursor.map_or(String::new(), |cursor| format!("?afterEventId={cursor}"));
        let page = gate.client().get(&format!("{out}/records{query}")).await.json();
        assert_eq!(page["records"][0]["seqNum"], floor, "page after {cursor:?}");
    }
    let head = gate.client().call("HEAD", &out, &[], "").await;
    assert_eq!(head.header("x-last-chunk-index"), Some((tail - 1).to_string().as_str()));
}

async fn cursors_below_the_floor_are_clamped(plan: Plan) {
    let plan = keeping(4, plan);
    let gate = Gate::of(&plan).await;
    let chat = Chat::new(&gate, "c").await;
    gate.emit("c", &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]).await;
    assert_eq!(enforce(&gate).await, 6);
    is_clamped(&gate, &chat, 6, 10).await;
    let before = Op::Trim { channel: Channel::OUT, floor: Floor::Retention, before: 8 };
    let commit = Commit { session: chat.key(), ops: vec![before] };
    gate.gateway.store().commit(commit).await.expect("trimmed");
    is_clamped(&gate, &chat, 8, 10).await;
    gate.emit("c", &["10"]).await;
    is_clamped(&gate, &chat, 8, 11).await;
    if plan.url.starts_with("disk:") {
        gate.end().await;
        let gate = Gate::of(&plan).await;
        is_clamped(&gate, &Chat::of(&gate, "c"), 8, 11).await;
    }
}

#[tokio::test]
async fn cursors_below_the_floor_are_clamped_in_memory() {
    cursors_below_the_floor_are_clamped(Plan::default()).await;
}

#[tokio::test]
async fn cursors_below_the_floor_are_clamped_on_disk() {
    let (plan, _folder) = Plan::on_disk();
    cursors_below_the_floor_are_clamped(plan).await;
}

#[tokio::test]
async fn a_reader_whose_records_are_dropped_under_it_goes_on_at_the_floor() {
    let gate = Gate::of(&keeping(2, Plan::default())).await;
    let chat = Chat::new(&gate, "c").await;
    gate.emit("c", &["0", "1", "2", "3"]).await;
    // Waits at a cursor below what will be the floor, and above the tail.
    let mut ahead = chat.client.read(&chat.path("out"), &[("last-event-id", "5")]).await;
    gate.emit("c", &["4", "5"]).await;
    assert_eq!(enforce(&gate).await, 4);
    gate.emit("c", &["6"]).await;
    assert_eq!(ahead.next().await.expect("a record").seq_num, 6);
}

#[tokio::test]
async fn i7_an_owed_input_is_never_dropped() {
    let gate = Gate::of(&keeping(1, Plan::default())).await;
    let mut chat = Chat::new(&gate, "c").await;
    for _ in 0..5 {
        chat.append("opaque").await;
    }
    let hung = chat.say("u1", "/hang").await;
    let queued = chat.say("u2", "are you there").await;
    for _ in 0..5 {
        chat.append("opaque").await;
    }
    enforce(&gate).await;
    let page = gate.client().get(&chat.path("in/records")).await.json();
    assert_eq!(page["records"][0]["seqNum"], hung, "{page}");
    chat.append(r#"{"kind":"stop"}"#).await;
    let records = chat.answer_to(queued).await;
    assert!(text(&records).contains("are you there"), "{records:?}");
    assert_eq!(errors(&records), [""; 0]);
    // Once answered they may go.
    enforce(&gate).await;
    let page = gate.client().get(&chat.path("in/records")).await.json();
    assert_eq!(page["records"].as_array().map(Vec::len), Some(1), "{page}");
}
