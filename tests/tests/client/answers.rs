//! Whole conversations.

use serde_json::json;
use tidegate_client::client::{Content, Event, Mode, Start};
use tokio::join;

use crate::room::{Heard, MODES, Room, create};

#[tokio::test]
async fn a_conversation_over_each_transport() {
    let room = Room::new().await;
    for mode in MODES {
        let session = room.client(mode).session(&format!("talk {mode:?}/ä"));
        create(&session).await;
        for text in ["one", "two"] {
            let answer = session.answer(text).await.expect("sent").text().await;
            assert!(answer.expect("an answer").contains(text));
        }
        let failed = session.answer("/fail-first").await.expect("sent").text().await;
        assert_eq!(failed.expect_err("it fails").code, "answer_failed");
        let mut acted = session.subscribe(Start::Tail);
        let mut heard = Heard::default();
        session.action(json!({"type": "say", "text": "tide"})).await.expect("sent");
        heard.turn(&mut acted).await;
        let texts: Vec<Content> = heard.records.iter().map(Content::of).collect();
        assert!(texts.iter().any(|c| matches!(c, Content::Chunk(c) if c["delta"] == "tide")));
        let transcript = session.transcript().await.expect("with a secret key");
        assert!(transcript["messages"].as_array().expect("some").len() >= 6);
        let records = session.records(Some(0), 3).await.expect("a page");
        assert_eq!(records.len(), 3);
        assert_eq!(records[0]["seqNum"], 1);
    }
}

#[tokio::test]
async fn an_answer_is_told_from_the_one_before_it() {
    let room = Room::new().await;
    let session = room.client(Mode::Auto).session("queue");
    create(&session).await;
    let mut live = session.subscribe(Start::Floor);
    session.send("/words 40 20").await.expect("sent");
    while !matches!(live.next().await, Some(Ok(Event::Record(_)))) {}
    let answer = session.answer("after it").await.expect("sent").text().await;
    let answer = answer.expect("an answer");
    assert!(answer.contains("after it") && !answer.contains("40"), "{answer}");
}

#[tokio::test]
async fn an_answer_waits_for_those_that_have_not_begun() {
    let room = Room::new().await;
    for mode in MODES {
        let session = room.client(mode).session(&format!("behind-{mode:?}"));
        create(&session).await;
        for round in 0..3 {
            session.append("raw", &format!("a{round}")).await.expect("sent");
            session.send("/words 9 1").await.expect("sent");
            session.send("/words 5 1").await.expect("sent");
            let answer = session.answer("/words 2 0").await.expect("sent").text().await;
            assert_eq!(answer.as_deref(), Ok("word-1 word-2"), "{mode:?}");
            // Of what nobody waits for nothing is passed over.
            session.append("raw", &format!("b{round}")).await.expect("sent");
            let answer = session.answer("/words 3 0").await.expect("sent").text().await;
            assert_eq!(answer.as_deref(), Ok("word-1 word-2 word-3"), "{mode:?}");
        }
    }
}

/// What looks like a turn that runs is none: its boundary is that of the answer.
#[tokio::test]
async fn an_answer_after_the_words_of_a_guest() {
    let room = Room::new().await;
    for mode in MODES {
        let name = format!("guest-{mode:?}");
        let session = room.client(mode).session(&name);
        create(&session).await;
        let path = format!("/realtime/v1/sessions/{name}/out/append");
        let chunk = json!({"type": "text-delta", "id": "g", "delta": "guest"}).to_string();
        let written = room.gateway.client().post(&path, &[], &chunk).await.expect("it is up");
        assert_eq!(written.status, 200);
        let answer = session.answer("/words 2 0").await.expect("sent").text().await;
        assert_eq!(answer.as_deref(), Ok("word-1 word-2"), "{mode:?}");
    }
}

#[tokio::test]
async fn a_stop_ends_the_turn() {
    let room = Room::new().await;
    for mode in MODES {
        let session = room.client(mode).session(&format!("stop-{mode:?}"));
        create(&session).await;
        let mut live = session.subscribe(Start::Floor);
        session.send("/words 100000 20").await.expect("sent");
        let mut heard = Heard::default();
        heard.up_to(5, &mut live).await;
        session.stop().await.expect("sent");
        heard.turn(&mut live).await;
        assert!(heard.records.len() < 50_000);
    }
}

#[tokio::test]
async fn two_sessions_at_once_on_one_connection() {
    let room = Room::new().await;
    for mode in MODES {
        let client = room.client(mode);
        let sessions = ["a", "b"].map(|name| client.session(&format!("{name}-{mode:?}")));
        join!(create(&sessions[0]), create(&sessions[1]));
        let mut live = sessions.each_ref().map(|session| session.subscribe(Start::Floor));
        let (a, b) = join!(sessions[0].send("/words 60 5"), sessions[1].send("/words 60 5"));
        a.and(b).expect("sent");
        let [first, second] = &mut live;
        let (mut one, mut two) = (Heard::default(), Heard::default());
        join!(one.turn(first), two.turn(second));
        assert_eq!(one.records, room.log(&format!("a-{mode:?}")).await);
        assert_eq!(two.records, room.log(&format!("b-{mode:?}")).await);
    }
}

#[tokio::test]
async fn appends_keep_their_order_and_are_written_once() {
    let room = Room::new().await;
    for mode in MODES {
        let session = room.client(mode).session(&format!("order-{mode:?}"));
        create(&session).await;
        let bodies: Vec<String> = (0..30).map(|n| format!("raw {n}")).collect();
        let appends = bodies.iter().map(|body| session.append(body, body));
        let seqs: Vec<u64> = futures_util::future::join_all(appends)
            .await
            .into_iter()
            .map(|seq| seq.expect("written"))
            .collect();
        assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
        assert_eq!(session.append("raw 3", "raw 3").await, Ok(seqs[3]));
    }
}
