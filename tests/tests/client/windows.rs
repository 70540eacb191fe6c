//! A consumer that is slow, or does not read at all for a while.

use tidegate_client::client::{Mode, Start};

use crate::room::{Heard, MODES, Room, create};

#[tokio::test]
async fn a_flood_waits_for_its_reader() {
    let room = Room::new().await;
    for mode in MODES {
        let client = room.builder(mode).window(32 * 1024).build().expect("a client");
        let session = client.session(&format!("flood-{mode:?}"));
        create(&session).await;
        let mut unread = session.subscribe(Start::Floor);
        // Another one of the same connection is not held up.
        let answer = session.answer("/flood 300 8").await.expect("sent").text().await;
        assert_eq!(answer.expect("an answer").len(), 300 * 8 * 1024);
        let mut heard = Heard::default();
        heard.turn(&mut unread).await;
        assert_eq!(heard.records, room.log(session.name()).await);
        assert_eq!(heard.gaps, []);
    }
}

#[tokio::test]
async fn a_record_beyond_the_window() {
    let room = Room::new().await;
    for mode in [Mode::WebSocket, Mode::Sse, Mode::Http3] {
        let client = room.builder(mode).window(1).build().expect("a client");
        let session = client.session(&format!("tiny-{mode:?}"));
        create(&session).await;
        let answer = session.answer("/flood 5 64").await.expect("sent").text().await;
        assert_eq!(answer.expect("an answer").len(), 5 * 64 * 1024);
    }
}
