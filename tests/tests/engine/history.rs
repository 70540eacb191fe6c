//! What inputs do to the history, and how it is paged.

use serde_json::{Value, json};
use tidegate_core::seams::store::Fate;
use tidegate_protocol::{Record, control};

use crate::harness::{Chat, floor, message_text, text, user};

fn ids(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["id"].as_str().expect("an id")).collect()
}

/// The records of the turn that answers `payload`, while no other runs.
async fn tell(chat: &Chat, payload: Value) -> Vec<Record> {
    let seq = chat.payload(payload).await;
    let mut records = chat.answer_to(seq).await;
    let before = records[..records.len() - 1].iter().rposition(control::is_boundary);
    records.split_off(before.map_or(0, |at| at + 1))
}

/// Three questions and their answers.
async fn chat_of_three() -> Chat {
    let chat = Chat::new("c").await;
    for id in ["u1", "u2", "u3"] {
        let seq = chat.say(id, &format!("text of {id}")).await;
        chat.answer_to(seq).await;
    }
    chat
}

/// R-TRN-3.
#[tokio::test]
async fn a_known_id_replaces_its_message_in_place() {
    let chat = chat_of_three().await;
    let before = chat.transcript().await;
    let edit = user("u2", "edited");
    tell(&chat, json!({"trigger": "submit-message", "message": edit})).await;
    let after = chat.transcript().await;
    assert_eq!(after[..2], before[..2]);
    assert_eq!((&after[2], &after[3]), (&edit, &before[3]));
    assert_eq!(after[..6].iter().filter(|message| message["id"] == "u2").count(), 1);
    // The edit itself is answered. What is in front of the answer is what the user sees there.
    let last = after.last().expect("messages");
    assert_eq!(last["role"], "assistant");
}

/// R-TRN-6.
#[tokio::test]
async fn regenerate_drops_from_the_message_that_it_names() {
    for (named, keeps) in
        [("a2", 3), ("u2", 3), ("a3", 5), ("u3", 5), ("a1", 1), ("gone", 5), ("", 5)]
    {
        let chat = chat_of_three().await;
        let before = chat.transcript().await;
        let answers = ["a1", "a2", "a3"].iter().position(|a| *a == named);
        let id = answers.map_or(named.into(), |index| before[2 * index + 1]["id"].clone());
        let mut payload = json!({"trigger": "regenerate-message"});
        if !named.is_empty() {
            payload["messageId"] = id;
        }
        let records = tell(&chat, payload).await;
        let after = chat.transcript().await;
        assert_eq!(after.len(), keeps + 1, "{named}: {:?}", ids(&after));
        assert_eq!(after[..keeps], before[..keeps], "{named}");
        let new = &after[keeps];
        assert!(!ids(&before).contains(&new["id"].as_str().expect("an id")), "{named}");
        assert_eq!(message_text(new), text(&records), "{named}");
    }
}

/// R-TRN-5.
#[tokio::test]
async fn a_submit_without_a_message_answers_what_is_there() {
    let chat = Chat::new("c").await;
    let seq = chat.say("u1", "/hang-first").await;
    chat.stop_from_browser().await;
    chat.answer_to(seq).await;
    assert_eq!(ids(&chat.transcript().await), ["u1"]);
    tell(&chat, json!({"trigger": "submit-message", "message": user("u1", "now")})).await;
    let records = tell(&chat, json!({"trigger": "submit-message", "message": user("u2", "/fail")}));
    records.await;
    let before = chat.transcript().await;
    assert_eq!(before.last().expect("messages")["role"], "assistant", "{before:?}");
    // The same once more changes nothing, and the agent had the last word.
    let again = json!({"trigger": "submit-message", "message": user("u2", "/fail")});
    let records = tell(&chat, again).await;
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(chat.transcript().await, before);
}

/// R-TRN-5.
#[tokio::test]
async fn a_submit_without_a_message_after_the_agents_words_asks_nobody() {
    let chat = Chat::new("c").await;
    let seq = chat.say("u1", "hello").await;
    chat.answer_to(seq).await;
    let before = chat.transcript().await;
    let records = tell(&chat, json!({"trigger": "submit-message"})).await;
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(chat.transcript().await, before);
}

/// R-TRN-8: of the two ways to preload, neither writes a record or asks anybody.
#[tokio::test]
async fn a_preload_boots_nothing_and_says_so() {
    let chat = Chat::new("c").await;
    assert!(chat.fates().await.is_empty(), "a create that preloads is no input");
    let preload = chat.payload(json!({"trigger": "preload"})).await;
    let seq = chat.say("u1", "first").await;
    let records = chat.answer_to(seq).await;
    assert_eq!(records[0].seq_num, 0, "the preload wrote");
    assert_eq!(chat.fates().await[preload as usize], Some(Fate::Applied { turn: None }));
    assert_eq!(chat.fates().await[seq as usize], Some(Fate::Answered { turn: 1 }));
}

/// R-TRN-11.
#[tokio::test]
async fn metadata_and_custom_keys_reach_the_backend() {
    let chat = Chat::new("c").await;
    let metadata = json!({"userId": "ü", "n": [1, null]});
    let records = tell(
        &chat,
        json!({"trigger": "submit-message", "message": user("u1", "/meta"),
        "metadata": metadata, "chatId": "c", "model": "x", "flags": {"a": true}}),
    )
    .await;
    let seen: Value = serde_json::from_str(&text(&records)).expect("the demo tells in JSON");
    assert_eq!(seen["metadata"], metadata);
    assert_eq!(
        (&seen["rest"]["model"], &seen["rest"]["flags"]),
        (&"x".into(), &json!({"a": true}))
    );
    assert_eq!((&seen["chatId"], &seen["turn"]), (&"c".into(), &1.into()));
}

/// R-TRN-14.
#[tokio::test]
async fn a_boundary_tells_the_floor_and_the_high_water() {
    let chat = Chat::new("c").await;
    chat.say("u1", "/hang").await;
    chat.read(None, |record| !text(std::slice::from_ref(record)).is_empty()).await;
    for id in ["u2", "u3"] {
        chat.say(id, "queued").await;
    }
    chat.stop_from_browser().await;
    let records = chat.read(None, |record| floor(record) == Some(3)).await;
    let water = |record: &Record| {
        let high = record.header(control::IN_CONSUMED_ID).expect("a high water");
        (floor(record).expect("a floor"), high.parse::<u64>().expect("digits"))
    };
    let waters: Vec<_> = records.iter().filter(|r| control::is_boundary(r)).map(water).collect();
    assert_eq!(waters, [(0, 3), (1, 3), (3, 3)]);
}

#[tokio::test]
async fn pages_lead_from_the_newest_message_to_the_first() {
    let chat = chat_of_three().await;
    let whole = chat.transcript().await;
    for limit in 1..=7 {
        let (mut paged, mut before) = (Vec::new(), None::<String>);
        loop {
            let page = chat.gateway.transcript(&chat.principal, "c", limit, before.as_deref());
            let page = page.await.expect("readable");
            assert!(!page.messages.is_empty(), "an empty page, limit {limit}");
            paged.splice(0..0, page.messages);
            match page.next_cursor {
                Some(cursor) => before = Some(cursor),
                None => break,
            }
        }
        assert_eq!(paged, whole, "limit {limit}");
    }
    let empty = Chat::new("d").await;
    let page = empty.gateway.transcript(&empty.principal, "d", 5, None).await.expect("readable");
    assert_eq!((page.messages.len(), page.next_cursor), (0, None));
}

/// R-TRN-20: what was cut is stored as not final, and can be made anew.
#[tokio::test]
async fn a_cut_answer_is_not_final_and_can_be_made_anew() {
    let chat = Chat::new("c").await;
    let finals = async || {
        let blob = chat.gateway.transcript_blob("dev", "c").await.expect("readable");
        let blob = tidegate_protocol::transcript::parse(&blob.expect("a blob")).expect("a blob");
        blob.entries.iter().map(|entry| entry.is_final).collect::<Vec<_>>()
    };
    let records = tell(
        &chat,
        json!({"trigger": "submit-message",
        "message": user("u1", "/fail badly")}),
    )
    .await;
    assert!(text(&records).contains("well"));
    assert_eq!(finals().await, [true, false]);
    tell(&chat, json!({"trigger": "submit-message", "message": user("u1", "works")})).await;
    let records = tell(&chat, json!({"trigger": "regenerate-message", "messageId": "u1"})).await;
    assert!(text(&records).contains("works"));
    assert_eq!(finals().await, [true, true]);
}

/// The transcript and its cursor: resuming there shows what the transcript does not hold.
#[tokio::test]
async fn i1_a_transcript_and_a_resume_from_its_cursor_are_the_whole_chat() {
    let chat = Chat::new("c").await;
    let seq = chat.say("u1", "one").await;
    chat.answer_to(seq).await;
    chat.say("u2", "/hang").await;
    chat.read(None, |r| floor(r) == Some(0)).await;
    chat.read(None, |record| text(std::slice::from_ref(record)).contains("Still")).await;
    let page = chat.gateway.transcript(&chat.principal, "c", 10, None).await.expect("readable");
    let roles: Vec<_> = page.messages.iter().map(|message| message["role"].clone()).collect();
    let resumed = chat.read(page.last_out, |r| text(std::slice::from_ref(r)).contains("Still"));
    let resumed = resumed.await;
    assert_eq!(crate::harness::types(&resumed)[0], "start", "{resumed:?}");
    assert_eq!(roles, ["user", "assistant", "user"]);
    assert_eq!(page.last_in, Some(0));
}
