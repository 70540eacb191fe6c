//! The gateway drains, and another process takes its place.

use tidegate_client::client::{Mode, Start, Transport};
use tidegate_store::servers::{Config, Redis};
use tokio::net::TcpStream;

use crate::room::{Heard, MODES, Room, create};

#[tokio::test]
async fn a_drain_in_mid_answer_loses_nothing() {
    let mut room = Room::new().await;
    for mode in MODES {
        let name = format!("drain-{mode:?}");
        let session = room.client(mode).session(&name);
        create(&session).await;
        let mut live = session.subscribe(Start::Floor);
        session.send("/words 60 20").await.expect("sent");
        let mut heard = Heard::default();
        heard.up_to(10, &mut live).await;
        room.gateway.signal("-TERM");
        heard.turn(&mut live).await;
        assert_eq!(room.gateway.ended().await.code(), Some(0));
        let sending = session.send("are you back?");
        let (sent, ()) = tokio::join!(sending, room.gateway.restart());
        sent.expect("sent");
        heard.turn(&mut live).await;
        let whole = room.log(&name).await;
        assert_eq!(heard.records[heard.records.len() - whole.len()..], whole);
        assert!(heard.records.is_sorted_by(|a, b| a.seq_num + 1 == b.seq_num), "{mode:?}");
    }
}

#[tokio::test]
async fn the_successor_takes_over_before_the_old_one_is_left() {
    let redis = Redis::start(Config::default());
    let mut room = Room::of_fleet(&redis).await;
    let session = room.client(Mode::WebSocket).session("moved");
    create(&session).await;
    let mut live = session.subscribe(Start::Floor);
    session.send("/words 100 50").await.expect("sent");
    let mut heard = Heard::default();
    heard.up_to(10, &mut live).await;
    room.gateway.signal("-TERM");
    while TcpStream::connect(&room.gateway.address).await.is_ok() {
        heard.take(&mut live).await;
    }
    let successor = room.gateway.successor().await;
    heard.turn(&mut live).await;
    assert_eq!(room.gateway.ended().await.code(), Some(0));
    room.gateway = successor;
    session.send("are you there?").await.expect("sent");
    heard.turn(&mut live).await;
    let whole = room.log("moved").await;
    assert_eq!(heard.records[heard.records.len() - whole.len()..], whole);
    assert!(heard.records.is_sorted_by(|a, b| a.seq_num + 1 == b.seq_num));
    assert_eq!((heard.gaps, heard.transports), (Vec::new(), vec![Transport::WebSocket]));
}
