//! A session that was deleted and made again: its streams go on in a new epoch, far ahead, so that
//! readers with an old cursor read on instead of waiting for ever (I1).

use tidegate_protocol::limits::EPOCH_SEQ_STRIDE;

use crate::chat::{Chat, text};
use crate::harness::Gate;
use crate::plan::Plan;

/// Of the second epoch, behind the three records of the first.
const FIRST: u64 = EPOCH_SEQ_STRIDE + 3;

async fn readers_of_a_deleted_session_read_on(plan: Plan) {
    let gate = Gate::of(&plan).await;
    let mut chat = Chat::new(&gate, "c").await;
    gate.emit("c", &["0", "1", "2"]).await;
    let out = chat.path("out");
    // One at the tail, one beyond it, one that has not read what there is.
    let mut at_tail = chat.client.read(&out, &[("last-event-id", "2")]).await;
    let mut beyond = chat.client.read(&out, &[("last-event-id", "50")]).await;
    let mut behind = chat.client.read(&out, &[]).await;
    assert_eq!(behind.take(3).await.len(), 3);
    gate.gateway.delete_session(&chat.key()).await.expect("deleted");
    let append = chat.try_append("x").await;
    assert_eq!((append.status, append.code().as_str()), (404, "session_not_found"));
    gate.create("c").await;
    gate.emit("c", &["new"]).await;
    for reader in [&mut at_tail, &mut beyond, &mut behind] {
        let record = reader.next().await.expect("a record");
        assert_eq!(record.seq_num, FIRST);
        assert_eq!(text(&[record]), "new");
    }
    for cursor in ["0", "2", "50"] {
        let mut late = chat.client.read(&out, &[("last-event-id", cursor)]).await;
        assert_eq!(late.next().await.expect("a record").seq_num, FIRST, "{cursor}");
    }
    // The new session's turns are whole, and correlate with the new `.in`.
    let seq = chat.say("u1", "hello again").await;
    assert!(seq == 0 || seq >= EPOCH_SEQ_STRIDE, "{seq}");
    let records = chat.answer_to(seq).await;
    assert!(text(&records).contains("hello again"));
    assert_eq!(chat.transcript().await.len(), 2);
}

#[tokio::test]
async fn i1_readers_of_a_deleted_session_read_on_in_memory() {
    readers_of_a_deleted_session_read_on(Plan::default()).await;
}

#[tokio::test]
async fn i1_readers_of_a_deleted_session_read_on_on_disk() {
    let (plan, _folder) = Plan::on_disk();
    readers_of_a_deleted_session_read_on(plan).await;
}

/// Deletes a session under its turn.
async fn deleted_mid_turn(gate: &Gate) -> Chat {
    let chat = Chat::new(gate, "c").await;
    chat.say("u1", "/words 200 5").await;
    let mut reader = chat.client.read(&chat.path("out"), &[]).await;
    reader.take(5).await;
    gate.gateway.delete_session(&chat.key()).await.expect("deleted");
    chat
}

#[tokio::test]
async fn a_session_that_is_deleted_while_its_turn_runs_harms_no_neighbour() {
    let gate = Gate::start().await;
    let mut neighbour = Chat::new(&gate, "d").await;
    deleted_mid_turn(&gate).await;
    let seq = neighbour.say("u1", "still there").await;
    assert!(text(&neighbour.answer_to(seq).await).contains("still there"));
}

#[tokio::test]
async fn a_turn_does_not_outlive_its_session() {
    let gate = Gate::start().await;
    let mut chat = deleted_mid_turn(&gate).await;
    gate.create("c").await;
    let seq = chat.say("u1", "who is there").await;
    let records = chat.answer_to(seq).await;
    assert!(text(&records).contains("who is there"), "{records:?}");
    assert!(!text(&records).contains("word-"), "the old turn writes into the new session");
    assert_eq!(chat.transcript().await.len(), 2);
}

#[tokio::test]
async fn the_history_of_a_deleted_session_is_gone() {
    let gate = Gate::start().await;
    let mut chat = Chat::new(&gate, "c").await;
    let seq = chat.say("old", "my secret").await;
    chat.answer_to(seq).await;
    gate.gateway.delete_session(&chat.key()).await.expect("deleted");
    gate.create("c").await;
    let seq = chat.say("new", "/meta").await;
    let told = text(&chat.answer_to(seq).await);
    let told: serde_json::Value = serde_json::from_str(&told).expect("the demo tells in JSON");
    assert_eq!((&told["messages"], &told["turn"]), (&1.into(), &1.into()), "{told}");
    assert_eq!(chat.transcript().await.len(), 2);
}
