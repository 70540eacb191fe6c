//! A live read changes its transport at any record.

use tidegate_client::client::{Mode, Start};

use crate::room::{Heard, MODES, Room, create, transport};

#[tokio::test]
async fn every_ordered_pair_at_every_record() {
    let room = Room::new().await;
    for from in MODES {
        for to in MODES.into_iter().filter(|to| *to != from) {
            let name = format!("move-{from:?}-{to:?}");
            let session = room.client(from).session(&name);
            create(&session).await;
            let mut live = session.subscribe(Start::Floor);
            session.send("/words 25 4").await.expect("sent");
            let mut heard = Heard::default();
            let mut modes = [to, from].into_iter().cycle();
            let mut over = false;
            while !over {
                over = heard.take(&mut live).await;
                live.move_to(modes.next().expect("a cycle"));
            }
            assert_eq!(heard.records, room.log(&name).await);
            assert_eq!(heard.gaps, []);
        }
    }
}

#[tokio::test]
async fn what_was_moved_goes_on_there() {
    let room = Room::new().await;
    let modes = [Mode::Sse, Mode::WebSocket, Mode::Http3];
    let pairs = modes.into_iter().flat_map(|from| modes.map(|to| (from, to)));
    for (from, to) in pairs.filter(|(from, to)| from != to) {
        let name = format!("stay-{from:?}-{to:?}");
        let session = room.client(from).session(&name);
        create(&session).await;
        let mut live = session.subscribe(Start::Floor);
        let mut heard = Heard::default();
        session.send("/words 20 4").await.expect("sent");
        heard.up_to(6, &mut live).await;
        live.move_to(to);
        heard.turn(&mut live).await;
        while heard.transports.len() < 2 {
            heard.take(&mut live).await;
        }
        session.send("/words 20 4").await.expect("sent");
        heard.turn(&mut live).await;
        assert_eq!(heard.transports, [transport(from), transport(to)]);
        let whole = room.log(&name).await;
        assert_eq!(heard.records[heard.records.len() - whole.len()..], whole);
        assert!(heard.records.is_sorted_by(|a, b| a.seq_num + 1 == b.seq_num));
    }
}
