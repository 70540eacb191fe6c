//! From every cursor, over every transport, comes the rest of the log.

use tidegate_client::client::{Mode, Start};

use crate::room::{Heard, MODES, Room, create, transport};

#[tokio::test]
async fn every_cursor() {
    let room = Room::new().await;
    let session = room.client(Mode::Sse).session("s");
    create(&session).await;
    session.answer("/words 12").await.expect("sent").text().await.expect("an answer");
    let log = room.log("s").await;
    let last = log.last().expect("some").seq_num;
    for mode in MODES {
        let session = room.client(mode).session("s");
        for record in &log[..log.len() - 1] {
            let mut live = session.subscribe(Start::after(record.seq_num));
            let mut heard = Heard::default();
            heard.up_to(last, &mut live).await;
            let from = usize::try_from(record.seq_num).expect("small") + 1;
            assert_eq!(heard.records, log[from..], "{mode:?}");
            assert_eq!(heard.gaps, []);
            assert_eq!(heard.transports, [transport(mode)]);
        }
    }
}

#[tokio::test]
async fn the_tail_and_the_floor() {
    let room = Room::new().await;
    for mode in MODES {
        let name = format!("ends-{mode:?}");
        let session = room.client(mode).session(&name);
        create(&session).await;
        session.answer("first").await.expect("sent").text().await.expect("an answer");
        let (mut tail, mut floor) =
            (session.subscribe(Start::Tail), session.subscribe(Start::Floor));
        let mut heard = Heard::default();
        // The position is known once it is open.
        heard.take(&mut tail).await;
        let before = room.log(&name).await;
        session.send("second").await.expect("sent");
        heard.turn(&mut tail).await;
        let all = room.log(&name).await;
        assert_eq!(heard.records, all[all.len() - heard.records.len()..]);
        assert_eq!(heard.records[0].seq_num, before.last().expect("some").seq_num + 1);
        let mut heard = Heard::default();
        heard.turn(&mut floor).await;
        assert_eq!(heard.records, before);
    }
}
