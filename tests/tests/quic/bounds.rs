//! Everything that a client may send has a bound, and who exceeds it harms nobody else (I6).

use bytes::Bytes;
use http::Method;
use quinn::VarInt;
use tidegate_protocol::limits::{
    APPEND_BODY_MAX_BYTES, H3_CONTROL_MAX_BYTES, H3_REQUESTS_MAX, H3_STREAMS_MAX,
    H3_UNPARSED_MAX_BYTES, HEADERS_MAX_BYTES,
};

use crate::client::{Client, answer, connect, endpoint, patient};
use crate::gateway::Gateway;

/// Heads that never end delay nothing, and are not waited for.
#[tokio::test]
async fn a_head_that_does_not_come_delays_no_other() {
    let gateway = Gateway::start().await;
    let mut client = Client::connect(gateway.port).await;
    let mut heads = Vec::new();
    // Quinn lets more streams be opened when an eighth of them is done.
    for _ in 0..H3_STREAMS_MAX / 8 * 6 {
        let (mut send, receive) = client.quic.open_bi().await.expect("there is room");
        // HEADERS of 100 bytes, of which 3 come.
        send.write_all(&[1, 100, 0, 0, 0xd1]).await.expect("sent");
        heads.push((send, receive));
    }
    for _ in 0..20 {
        assert_eq!(client.get("/live").await.status, 200);
    }
}

/// R-H3-6: a frame says how long it is, and would be collected until it is whole.
#[tokio::test]
async fn a_frame_without_end_is_cut_off() {
    let gateway = Gateway::start().await;
    let mut client = Client::connect(gateway.port).await;
    // HEADERS, and a frame of an unknown type, of 2^30 bytes.
    for kind in [0x01, 0x21] {
        let (mut send, mut receive) = client.quic.open_bi().await.expect("there is room");
        send.write_all(&[kind, 0xc0, 0, 0, 0, 0x40, 0, 0, 0]).await.expect("sent");
        let piece = [0; 4096];
        let mut sent = 0;
        let stopped = loop {
            match patient(send.write(&piece)).await {
                Ok(more) => sent += more,
                Err(error) => break error,
            }
        };
        let excess = h3::error::Code::H3_EXCESSIVE_LOAD.value();
        let excess = VarInt::from_u64(excess).expect("a code");
        assert_eq!(stopped, quinn::WriteError::Stopped(excess), "{kind}");
        // What was on its way when the gateway said so.
        assert!(sent < H3_UNPARSED_MAX_BYTES + 512 * 1024, "{sent}");
        let ended = patient(receive.read_to_end(64)).await;
        assert!(matches!(ended, Err(quinn::ReadToEndError::Read(quinn::ReadError::Reset(_)))));
    }
    assert_eq!(client.get("/live").await.status, 200);
}

/// So do frames without a meaning on the control stream, one after the other or one for ever.
#[tokio::test]
async fn a_control_stream_without_end_ends_the_connection() {
    let gateway = Gateway::start().await;
    let small: Vec<u8> = [&[0x21, 62][..], &[0; 62]].concat().repeat(64);
    for (begin, piece) in [
        (&[0, 4, 0][..], &small[..]),
        (&[0, 4, 0, 0x21, 0xc0, 0, 0, 0, 0x40, 0, 0, 0][..], &[0; 4096][..]),
    ] {
        let from = endpoint(quinn::TransportConfig::default());
        let quic = connect(&from, gateway.port).await.expect("it is up");
        let mut control = quic.open_uni().await.expect("there is room");
        control.write_all(begin).await.expect("sent");
        let mut sent = 0;
        while let Ok(more) = patient(control.write(piece)).await {
            sent += more;
        }
        assert!(sent < H3_CONTROL_MAX_BYTES + 1024 * 1024, "{sent}");
        let closed = patient(quic.closed()).await;
        assert!(matches!(closed, quinn::ConnectionError::ApplicationClosed(_)), "{closed}");
    }
    assert_eq!(Client::connect(gateway.port).await.get("/live").await.status, 200);
}

#[tokio::test]
async fn headers_and_bodies_have_their_bounds() {
    let gateway = Gateway::start().await;
    gateway.create("c").await;
    let mut client = Client::connect(gateway.port).await;
    let large = "x".repeat(HEADERS_MAX_BYTES);
    let mut exchange = client.begin(Method::GET, "/live", &[("x-large", &large)]).await;
    // The client knows the bound from the settings, or the gateway says it.
    if let Ok(exchange) = &mut exchange {
        exchange.finish().await.expect("sent");
        assert_eq!(answer(exchange).await.expect("an answer").status, 431);
    }
    let path = "/realtime/v1/sessions/c/in/append";
    let refused = client.post(path, &" ".repeat(APPEND_BODY_MAX_BYTES + 1)).await;
    assert_eq!((refused.status, refused.json()["code"].as_str()), (413, Some("body_too_large")));
    assert_eq!(client.get("/live").await.status, 200);
}

/// A body that is cut off is no body.
#[tokio::test]
async fn a_request_that_is_cut_off_is_not_carried_out() {
    let gateway = Gateway::start().await;
    gateway.create("c").await;
    let mut client = Client::connect(gateway.port).await;
    let path = "/realtime/v1/sessions/c/out/append";
    let mut exchange = client.begin(Method::POST, path, &[]).await.expect("sent");
    exchange.send_data(Bytes::from_static(b"{\"type\":\"start\"}")).await.expect("sent");
    exchange.stop_stream(h3::error::Code::H3_REQUEST_CANCELLED);
    // If the head was taken away before it was read, there is no answer.
    if let Ok(refused) = answer(&mut exchange).await {
        assert_eq!((refused.status, refused.json()["code"].as_str()), (400, Some("invalid_body")));
    }
    let page = client.get("/realtime/v1/sessions/c/out/records").await;
    assert_eq!(page.json()["records"].as_array().map(Vec::len), Some(0));
}

/// `limits.connections` and `limits.streams` count QUIC as TCP; who finds no room can go to TCP.
#[tokio::test]
async fn connections_and_streams_are_counted_with_those_of_tcp() {
    let gateway = Gateway::with("", "[limits]\nconnections = 3\nstreams = 1\n").await;
    gateway.create("c").await;
    // One place is for the plain connections of this test.
    let mut first = Client::connect(gateway.port).await;
    let _reading = first.read("c", None).await;
    let refused = first.get("/realtime/v1/sessions/c/out").await;
    assert_eq!((refused.status, refused.json()["code"].as_str()), (503, Some("overloaded")));
    let second = Client::connect(gateway.port).await;
    gateway.until("connections", 3).await;
    let third = endpoint(quinn::TransportConfig::default());
    // The plain connection of the last look at the metrics may not be gone yet, or gone already.
    let mut held = Vec::new();
    let refused = loop {
        match connect(&third, gateway.port).await {
            Ok(connection) => held.push(connection),
            Err(error) => break error,
        }
    };
    assert!(held.len() <= 1, "{}", held.len());
    let quinn::ConnectionError::ConnectionClosed(close) = refused else { panic!("{refused}") };
    assert_eq!(close.error_code, quinn::TransportErrorCode::CONNECTION_REFUSED);
    drop(held);
    third.close(0u32.into(), b"");
    second.quic.close(0u32.into(), b"");
    gateway.until("connections", 2).await;
    assert!(gateway.metric("quic_connections_refused_total").await >= 1);
}

/// A connection is not for ever: it ends in good order, and nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_takes_so_many_requests() {
    let gateway = Gateway::start().await;
    let mut client = Client::connect(gateway.port).await;
    let mut answered = 0;
    while let Ok(answer) = client.try_ask(Method::GET, "/live", "").await {
        assert_eq!(answer.status, 200);
        answered += 1;
    }
    assert_eq!(answered, H3_REQUESTS_MAX);
    assert!(patient(client.end).await.expect("no panic").is_h3_no_error());
}
