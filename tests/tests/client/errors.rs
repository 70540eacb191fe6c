//! Refusals have codes; what may pass is tried again instead.

use serde_json::json;
use tidegate_client::client::{Client, Error, Event, Mode, Start, Subscription, error};
use tidegate_store::servers::free_port;
use tidegate_tests::process::KEY;

use crate::room::{MODES, Room, create};

async fn failure(live: &mut Subscription) -> Error {
    loop {
        match live.next().await.expect("an error first") {
            Ok(Event::Transport(_)) => {}
            Ok(event) => panic!("{event:?}"),
            Err(error) => return error,
        }
    }
}

#[tokio::test]
async fn refusals() {
    let room = Room::new().await;
    for mode in MODES {
        let client = room.client(mode);
        let unknown = client.session("session_000000000000000000000000");
        let error = failure(&mut unknown.subscribe(Start::Floor)).await;
        assert_eq!((&*error.code, error.retry), ("session_not_found", false), "{mode:?}");
        let error = unknown.send("x").await.expect_err("there is none");
        assert_eq!(error.code, "session_not_found");

        let closed = client.session(&format!("closed-{mode:?}"));
        create(&closed).await;
        closed.close(Some("enough")).await.expect("it closes");
        let error = closed.send("x").await.expect_err("closed");
        assert_eq!((&*error.code, error.retry), ("session_closed", false));
        assert_eq!(error.closed_reason.as_deref(), Some("enough"));

        let large = "x".repeat(1024 * 1024 + 1);
        let error = closed.append(&large, "p").await.expect_err("too large");
        assert_eq!(error.code, "body_too_large");
        let error = closed.append("x", "a\nb").await.expect_err("no part id");
        assert_eq!(error.param.as_deref(), Some("X-Part-Id"));
        let error = closed.create("nobody", json!({})).await.expect_err("refused");
        assert!(!error.retry && error.status.is_some(), "{error:?}");
    }
}

#[tokio::test]
async fn a_text_that_json_writes_longer_than_a_frame() {
    let room = Room::new().await;
    let session = room.client(Mode::WebSocket).session("control");
    create(&session).await;
    let body = "\u{1}".repeat(900 * 1024);
    let error = session.append(&body, "p").await.expect_err("its record is too large");
    assert_eq!(error.code, "record_too_large");
    let body = "\u{1}".repeat(100 * 1024);
    session.append(&body, "q").await.expect("written");
}

#[tokio::test]
async fn the_outbox_is_bounded() {
    let url = format!("https://127.0.0.1:{}", free_port(&[]));
    for mode in MODES {
        let client = Client::builder(&url).token(KEY).mode(mode).build().expect("a client");
        let session = client.session("s");
        let body = "x".repeat(1024 * 1024);
        let waiting: Vec<_> = (0..7)
            .map(|n| {
                let (session, body) = (session.clone(), body.clone());
                tokio::spawn(async move { session.append(&body, &format!("p{n}")).await })
            })
            .collect();
        tokio::task::yield_now().await;
        let error = session.append(&body, "one more").await.expect_err("there is no room");
        assert_eq!((&*error.code, error.retry), (error::OUTBOX_FULL, true));
        for task in waiting {
            task.abort();
            assert!(task.await.expect_err("it waits").is_cancelled());
        }
        // What nobody waits for takes no room.
        let small = tokio::spawn(async move { session.append(&body, "again").await });
        tokio::task::yield_now().await;
        assert!(!small.is_finished());
    }
}

#[tokio::test]
async fn what_can_not_be_used() {
    for url in ["", "gateway", "ftp://gateway"] {
        let error = Client::builder(url).token("t").build().expect_err("no URL");
        assert_eq!(error.code, error::INVALID_CONFIG);
    }
    assert!(Client::builder("http://h").build().is_err());
    assert!(Client::builder("http://h").token("a\nb").build().is_err());
}
