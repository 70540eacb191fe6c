//! Tokens that end while they are used.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tidegate_client::client::{Client, Failure, Mode, Start};
use tidegate_tests::client::Client as Http;
use tidegate_tests::process::KEY;

use crate::room::{Heard, MODES, Room, create, trusting};

/// Mints tokens that live for so many seconds.
async fn mint(http: Http, session: String, seconds: u64) -> Result<String, Failure> {
    let (read, write) = (format!("read:sessions:{session}"), format!("write:sessions:{session}"));
    let body = json!({"scopes": [read, write], "expirationTime": format!("{seconds}s")});
    let answer = http.post("/api/v1/auth/public-tokens", &[], &body.to_string()).await?;
    let token = answer.json()["token"].as_str().map(str::to_owned);
    token.ok_or_else(|| "no token".into())
}

fn provided(room: &Room, mode: Mode, seconds: u64) -> (Client, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let (asked, http) = (Arc::clone(&count), room.gateway.client());
    let provider = move |session| {
        asked.fetch_add(1, Ordering::SeqCst);
        mint(http.clone(), session, seconds)
    };
    let builder = trusting(&room.url()).mode(mode).token_provider(provider);
    (builder.build().expect("a client"), count)
}

#[tokio::test]
async fn sessions_outlive_their_tokens() {
    let room = Room::new().await;
    for mode in MODES {
        let names = ["x", "y"].map(|name| format!("{name}-{mode:?}"));
        let (client, count) = provided(&room, mode, 2);
        let mut handles = Vec::new();
        for name in names {
            create(&room.client(Mode::Sse).session(&name)).await;
            let session = client.session(&name);
            handles.push(tokio::spawn(async move {
                let mut live = session.subscribe(Start::Floor);
                let mut heard = Heard::default();
                for _ in 0..2 {
                    session.send("/words 50 50").await.expect("sent");
                    heard.turn(&mut live).await;
                }
                (session.name().to_owned(), heard)
            }));
        }
        for handle in handles {
            let (name, heard) = handle.await.expect("no panic");
            let whole = room.log(&name).await;
            assert_eq!(heard.records[heard.records.len() - whole.len()..], whole);
            assert!(heard.records.is_sorted_by(|a, b| a.seq_num + 1 == b.seq_num));
            assert_eq!(heard.gaps, []);
        }
        assert!(count.load(Ordering::SeqCst) >= 4, "the tokens ended meanwhile");
    }
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let room = Room::new().await;
    for mode in MODES {
        let name = format!("once-{mode:?}");
        create(&room.client(Mode::Sse).session(&name)).await;
        for good in [false, true] {
            let count = Arc::new(AtomicUsize::new(0));
            let (asked, http) = (Arc::clone(&count), room.gateway.client());
            let provider = move |session: String| {
                let n = asked.fetch_add(1, Ordering::SeqCst);
                let http = http.clone();
                async move {
                    match n {
                        1 if good => mint(http, session, 600).await,
                        n => Ok(format!("bad-{n}")),
                    }
                }
            };
            let client = trusting(&room.url()).mode(mode).token_provider(provider);
            let session = client.build().expect("a client").session(&name);
            if good {
                session.send("hello").await.expect("the second one is good");
                let mut live = session.subscribe(Start::Floor);
                Heard::default().turn(&mut live).await;
            } else {
                let error = session.send("hello").await.expect_err("both are bad");
                assert_eq!(error.code, "unauthenticated");
            }
            assert_eq!(count.load(Ordering::SeqCst), 2, "{mode:?} {good}");
        }
    }
}

#[tokio::test]
async fn a_fixed_token_that_is_not_valid_is_an_error() {
    let room = Room::new().await;
    create(&room.client(Mode::Sse).session("fixed")).await;
    for mode in MODES {
        let client = trusting(&room.url()).token("tr_dev_wrong").mode(mode);
        let session = client.build().expect("a client").session("fixed");
        let mut live = session.subscribe(Start::Floor);
        let error = loop {
            match live.next().await.expect("an error first") {
                Ok(event) => drop(event),
                Err(error) => break error,
            }
        };
        assert_eq!((&*error.code, error.retry), ("unauthenticated", false), "{mode:?}");
        assert!(live.next().await.is_none());
        let error = session.send("x").await.expect_err("refused");
        assert_eq!(error.code, "unauthenticated", "{mode:?}");
    }
    assert_ne!(KEY, "tr_dev_wrong");
}
