//! A session that was deleted and made again: its streams go on in a new epoch, far ahead, so that
//! readers with an old cursor read on instead of waiting for ever (I1).

use tidegate_protocol::limits::EPOCH_SEQ_STRIDE;

use crate::chat::{Chat, text};
use crate::harness::Gate;
use crate::plan::Plan;

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
    gate.gateway.store().delete(&chat.key()).await.expect("deleted");
    let append = chat.try_append("x").await;
    assert_eq!((append.status, append.code().as_str()), (404, "session_not_found"));
    gate.create("c").await;
    gate.emit("c", &["new"]).await;
    for reader in [&mut at_tail, &mut beyond, &mut behind] {
        let record = reader.next().await.expect("a record");
        assert_eq!(record.seq_num, EPOCH_SEQ_STRIDE);
        assert_eq!(text(&[record]), "new");
    }
    for cursor in ["0", "2", "50"] {
        let mut late = chat.client.read(&out, &[("last-event-id", cursor)]).await;
        assert_eq!(late.next().await.expect("a record").seq_num, EPOCH_SEQ_STRIDE, "{cursor}");
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

#[tokio::test]
async fn a_session_that_is_deleted_while_its_turn_runs_harms_nobody() {
    let gate = Gate::start().await;
    let chat = Chat::new(&gate, "c").await;
    let mut neighbour = Chat::new(&gate, "d").await;
    chat.say("u1", "/words 100000 1").await;
    let mut reader = chat.client.read(&chat.path("out"), &[]).await;
    reader.take(5).await;
    gate.gateway.store().delete(&chat.key()).await.expect("deleted");
    let seq = neighbour.say("u1", "still there").await;
    assert!(text(&neighbour.answer_to(seq).await).contains("still there"));
}
