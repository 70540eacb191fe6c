//! The settled peek (trigger-client §3.6): what counts as settled and what does not.

use tidegate_core::seams::store::{Append, Commit, Op, Writer};
use tidegate_protocol::ids::Channel;
use tidegate_protocol::{NewRecord, control};

use crate::chat::Chat;
use crate::harness::Gate;

const PEEK: [(&str, &str); 2] = [("x-peek-settled", "1"), ("timeout-seconds", "1")];

/// Does a peek say settled, in which case it ends with all records up to `tail`?
async fn is_settled(chat: &Chat, tail: Option<u64>) -> bool {
    let mut events = chat.client.read(&chat.path("out"), &PEEK).await;
    let settled = events.header("x-session-settled").map(|value| value == "true");
    if settled.is_some() {
        let records = events.rest().await;
        assert!(events.done);
        assert_eq!(records.last().map(|record| record.seq_num), tail);
    }
    settled.unwrap_or(false)
}

async fn write(gate: &Gate, chat: &Chat, record: NewRecord) -> u64 {
    let writer = Writer::Gateway { bump: false };
    let records = vec![record];
    let append = Append { channel: Channel::OUT, writer, frame_key: None, records, owed: false };
    let commit = Commit { session: chat.key(), ops: vec![Op::Append(append)] };
    gate.gateway.store().commit(commit).await.expect("committed").appends[0].first
}

#[tokio::test]
async fn trap_12_commands_are_looked_past_and_nothing_else_is() {
    let gate = Gate::start().await;
    let mut chat = Chat::new(&gate, "c").await;
    assert!(!is_settled(&chat, None).await, "a session without a record");
    let seq = chat.say("u1", "hello").await;
    let end = chat.answer_to(seq).await.last().map(|record| record.seq_num);
    assert!(is_settled(&chat, end).await);
    let command = NewRecord {
        headers: vec![(String::new(), "trim".into())],
        body: b"\0\0\0\0".to_vec().into(),
    };
    write(&gate, &chat, command.clone()).await;
    write(&gate, &chat, command).await;
    assert!(is_settled(&chat, end).await, "trim records behind the boundary, never shown");
    write(&gate, &chat, control::keep_alive()).await;
    assert!(!is_settled(&chat, None).await, "a keep-alive is a record of a running turn");
}

#[tokio::test]
async fn trap_12_a_closed_session_is_settled_and_a_waiting_input_is_not() {
    let gate = Gate::start().await;
    let mut chat = Chat::new(&gate, "c").await;
    let seq = chat.say("u1", "hello").await;
    chat.answer_to(seq).await;
    chat.say("u2", "/hang-first").await;
    assert!(!is_settled(&chat, None).await, "an input waits behind the boundary");
    let stop = chat.append(r#"{"kind":"stop"}"#).await;
    chat.answer_to(stop).await;
    assert_eq!(gate.client().post("/api/v1/sessions/c/close", "{}").await.status, 200);
    let closed = |r: &_| control::kind(r) == Some(control::SESSION_CLOSED);
    let end = chat.until(closed).await.last().map(|record| record.seq_num);
    assert!(is_settled(&chat, end).await);
}
