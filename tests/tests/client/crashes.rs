//! The gateway is killed in mid-answer and comes back with its store.

use tidegate_client::client::{Mode, Start};

use crate::rng::{Rng, seed};
use crate::room::{Heard, MODES, Room, create};

#[tokio::test]
async fn kill_and_restart_in_mid_answer() {
    let seed = seed();
    println!("TIDEGATE_SEED={seed}");
    let mut rng = Rng::new(seed);
    let mut room = Room::new().await;
    for mode in MODES {
        let name = format!("crash-{mode:?}");
        let session = room.client(mode).session(&name);
        create(&session).await;
        let mut live = session.subscribe(Start::Floor);
        session.send("/words 60 10").await.expect("sent");
        let mut heard = Heard::default();
        heard.up_to(3 + rng.below(30), &mut live).await;
        room.gateway.kill();
        // Sent while it is down, and written when it is up.
        let later = session.clone();
        let sent = tokio::spawn(async move { later.send("and then").await });
        room.gateway.restart().await;
        sent.await.expect("no panic").expect("sent");
        heard.turn(&mut live).await;
        heard.turn(&mut live).await;
        let end = heard.records.last().expect("some").seq_num;
        let mut again = session.subscribe(Start::Floor);
        let mut fresh = Heard::default();
        fresh.up_to(end, &mut again).await;
        let begin = heard.records.len() - fresh.records.len();
        assert_eq!(heard.records[begin..], fresh.records);
        let missing: u64 = heard.gaps.iter().map(|(from, to, _)| to - from).sum();
        assert_eq!(end + 1, heard.records.len() as u64 + missing, "{:?}", heard.gaps);
    }
}

#[tokio::test]
async fn a_client_that_starts_before_the_gateway() {
    let mut room = Room::new().await;
    create(&room.client(Mode::Sse).session("early")).await;
    room.gateway.kill();
    for mode in MODES {
        let session = room.client(mode).session("early");
        let live = session.subscribe(Start::Tail);
        drop(live);
        let mut live = session.subscribe(Start::Floor);
        let sending = session.send("are you there?");
        let (sent, ()) = tokio::join!(sending, room.gateway.restart());
        sent.expect("sent");
        Heard::default().turn(&mut live).await;
        room.gateway.kill();
    }
}
