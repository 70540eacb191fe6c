//! The network is cut and stalls under live answers.

use std::time::Duration;

use tidegate_client::client::{Client, Event, Mode, Start, Transport};
use tidegate_tests::process::KEY;
use tokio::time::sleep;

use crate::proxy::Proxy;
use crate::rng::{Rng, is_long, seed};
use crate::room::{Heard, Room, TCP, create};

#[tokio::test]
async fn cuts_anywhere_in_an_answer() {
    let seed = seed();
    println!("TIDEGATE_SEED={seed}");
    let mut rng = Rng::new(seed);
    let room = Room::new().await;
    let rounds = if is_long() { 40 } else { 4 };
    for round in 0..rounds {
        for mode in TCP {
            let proxy = Proxy::to(&room.gateway.address).await;
            let url = format!("http://{}", proxy.address);
            let client = Client::builder(&url).token(KEY).mode(mode).build().expect("a client");
            let name = format!("cut-{round}-{mode:?}");
            let session = client.session(&name);
            create(&session).await;
            let mut live = session.subscribe(Start::Floor);
            let mut heard = Heard::default();
            let mut sent = Box::pin(session.send("/words 80 3"));
            let mut is_sent = false;
            loop {
                tokio::select! {
                    seq = &mut sent, if !is_sent => {
                        assert_eq!(seq.expect("written once"), 0);
                        is_sent = true;
                    }
                    is_over = heard.take(&mut live) => {
                        if is_over {
                            break;
                        }
                        match rng.below(12) {
                            0 | 1 => proxy.cut(),
                            2 => proxy.half_close(),
                            _ => {}
                        }
                    }
                }
            }
            assert_eq!(heard.records, room.log(&name).await, "{mode:?}");
            assert_eq!(heard.gaps, []);
        }
    }
}

#[tokio::test]
async fn a_path_that_stalls_is_left() {
    let room = Room::new().await;
    let proxy = Proxy::to(&room.gateway.address).await;
    let client = Client::builder(&format!("http://{}", proxy.address)).token(KEY);
    let session = client.mode(Mode::Auto).build().expect("a client").session("stall");
    create(&session).await;
    let mut live = session.subscribe(Start::Floor);
    session.send("/words 100 50").await.expect("sent");
    let mut heard = Heard::default();
    heard.up_to(10, &mut live).await;
    assert_eq!(heard.transports, [Transport::WebSocket]);
    proxy.stall(true);
    // What was on its way before the stall may still come.
    let stalled = async {
        loop {
            if let Some(Ok(Event::Record(record))) = live.next().await {
                heard.records.push(record);
            }
        }
    };
    tokio::select! {
        () = stalled => {}
        () = sleep(Duration::from_secs(4)) => {}
    }
    proxy.stall(false);
    heard.turn(&mut live).await;
    assert!(heard.transports.contains(&Transport::Sse), "{:?}", heard.transports);
    assert_eq!(heard.records, room.log("stall").await);
}

#[tokio::test]
async fn appends_are_written_once_whatever_is_cut() {
    let seed = seed();
    println!("TIDEGATE_SEED={seed}");
    let mut rng = Rng::new(seed);
    let room = Room::new().await;
    for mode in TCP {
        let proxy = Proxy::to(&room.gateway.address).await;
        let url = format!("http://{}", proxy.address);
        let client = Client::builder(&url).token(KEY).mode(mode).build().expect("a client");
        let session = client.session(&format!("in-{mode:?}"));
        create(&session).await;
        let cutting = async {
            loop {
                sleep(Duration::from_millis(rng.below(25))).await;
                proxy.cut();
            }
        };
        let appending = async {
            for n in 0..60 {
                let body = format!("raw {n}");
                assert_eq!(session.append(&body, &body).await, Ok(n));
            }
        };
        tokio::select! {
            () = cutting => {}
            () = appending => {}
        }
    }
}
