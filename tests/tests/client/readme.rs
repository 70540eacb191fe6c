//! The examples of the README, run.

use tidegate_client::client::{Client, Error, Mode};
use tidegate_tests::process::KEY;

use crate::room::{Room, certificate, create};

const README: &str = include_str!("../../../clients/rust/README.md");
const THIS: &str = include_str!("readme.rs");

async fn chat(url: &str, key: &str) -> Result<String, Error> {
    let client = Client::builder(url).token(key).build()?;
    let session = client.session("chat-1");
    let mut answer = session.answer("Hello!").await?;
    let mut chunks = 0;
    while let Some(record) = answer.next().await {
        chunks += usize::from(!record?.body.is_empty());
    }
    let text = session.answer("And again?").await?.text().await?;
    Ok(format!("{chunks} chunks, then: {text}"))
}

async fn chat_over_http3(url: &str, key: &str, certificate: Vec<u8>) -> Result<String, Error> {
    let builder = Client::builder(url).token(key).mode(Mode::Http3);
    let client = builder.root_certificate(certificate).build()?;
    client.session("chat-1").answer("Hello!").await?.text().await
}

/// What is here is what is there.
fn check(head: &str) {
    let (_, rest) = THIS.split_once(head).expect("above");
    let (example, _) = rest.split_once("\n}\n").expect("it ends");
    assert!(README.contains(&format!("{head}{example}\n}}\n")), "not the same example");
}

#[tokio::test]
async fn the_example_of_http3_runs() {
    check("async fn chat_over_http3");
    let room = Room::new().await;
    create(&room.client(Mode::Sse).session("chat-1")).await;
    let text = chat_over_http3(&room.url(), KEY, certificate()).await.expect("an answer");
    assert!(text.contains("Hello!"), "{text}");
}

#[tokio::test]
async fn the_example_runs() {
    check("async fn chat(");
    let room = Room::new().await;
    create(&room.client(Mode::Sse).session("chat-1")).await;
    let told = chat(&format!("http://{}", room.gateway.address), KEY).await.expect("an answer");
    assert!(told.contains("And again?"), "{told}");
    assert!(room.dir().exists());
}
