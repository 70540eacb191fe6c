//! How sessions begin and end.

use std::time::Duration;

use quinn::{ReadError, ReadToEndError, TransportConfig, VarInt};
use tidegate_transport::webtransport::Closed;

use crate::client::{Http, patient};
use crate::gate::gate;
use crate::read::line;
use crate::service::LINE_MAX_BYTES;

#[tokio::test]
async fn the_gateway_says_why_it_ends_a_session() {
    let gate = gate();
    let http = Http::connect(gate.server.local_addr(), TransportConfig::default()).await;
    for (said, end) in [
        ("close 4003 the gateway drains\n".to_owned(), (4003, "the gateway drains")),
        (format!("{}\n", "x".repeat(LINE_MAX_BYTES + 1)), (4400, "no line")),
    ] {
        // One after the other, on one connection.
        let mut session = http.session("/echo").await.expect("a session");
        let (mut send, _receive) = session.open().await;
        send.write_all(said.as_bytes()).await.expect("sent");
        assert_eq!(session.end().await, (end.0, end.1.to_owned()));
        session.send.finish().expect("open");
        gate_is_idle(&http).await;
    }
}

/// The place of a session is free once both sides have ended it.
async fn gate_is_idle(http: &Http) {
    assert!(http.lives().await);
}

/// A stream of a session that is over takes nothing from the next one.
#[tokio::test]
async fn what_comes_too_late_is_refused_alone() {
    let gate = gate();
    let http = Http::connect(gate.server.local_addr(), TransportConfig::default()).await;
    let mut session = http.session("/echo").await.expect("a session");
    let (mut send, _receive) = session.open().await;
    send.write_all(b"close 4003 bye\n").await.expect("sent");
    session.end().await;
    session.send.finish().expect("open");
    gate_is_idle(&http).await;
    let (mut late, mut back) = session.open().await;
    // It may be refused before this is sent.
    _ = late.write_all(b"late\n").await;
    let refused = patient(back.read_to_end(16)).await.expect_err("refused");
    let rejected = ReadError::Reset(VarInt::from_u32(0x3994_bd84));
    assert_eq!(refused, ReadToEndError::Read(rejected));
    let (mut early, mut receive) = http.quic.open_bi().await.expect("there is room");
    let next = u64::from(VarInt::from(early.id())) + 4;
    let id = u8::try_from(next).expect("small");
    early.write_all(&[&[0x40, 0x41, id][..], b"early\n"].concat()).await.expect("sent");
    let session = http.session("/echo").await.expect("a session");
    assert_eq!(session.id, next);
    assert_eq!(line(&mut receive).await.as_deref(), Some("early"));
}

#[tokio::test]
async fn the_gateway_hears_why_a_client_ends_a_session() {
    let mut gate = gate();
    let http = Http::connect(gate.server.local_addr(), TransportConfig::default()).await;
    let mut session = http.session("/echo").await.expect("a session");
    // CLOSE_WEBTRANSPORT_SESSION in a DATA frame: 7, "bye".
    let capsule = [0, 10, 0x68, 0x43, 7, 0, 0, 0, 7, b'b', b'y', b'e'];
    session.send.write_all(&capsule).await.expect("sent");
    session.send.finish().expect("open");
    let end = Closed { code: 7, reason: "bye".to_owned() };
    assert_eq!(patient(gate.ends.recv()).await, Some(end));
    // Without a code, and with the connection.
    let mut session = another(&http).await;
    session.send.finish().expect("open");
    assert_eq!(patient(gate.ends.recv()).await, Some(Closed::default()));
    let _session = another(&http).await;
    http.quic.close(0u32.into(), b"");
    assert_eq!(patient(gate.ends.recv()).await, Some(Closed::default()));
}

/// The gateway may take a moment to see the end of the one before.
async fn another(http: &Http) -> crate::client::Session {
    loop {
        if let Some(session) = http.session("/echo").await {
            return session;
        }
    }
}

#[tokio::test]
async fn one_session_at_a_time_and_only_where_there_is_one() {
    let gate = gate();
    let http = Http::connect(gate.server.local_addr(), TransportConfig::default()).await;
    assert!(http.session("/live").await.is_none());
    assert!(http.session("/nowhere").await.is_none());
    let session = another(&http).await;
    assert!(http.session("/echo").await.is_none());
    let (mut send, mut receive) = session.open().await;
    send.write_all(b"mine\n").await.expect("sent");
    assert_eq!(line(&mut receive).await.as_deref(), Some("mine"));
    assert!(http.lives().await);
    drop(session);
    http.quic.close(0u32.into(), b"");
    let ended = gate.server.drain(Duration::from_secs(20)).await;
    assert!(ended, "nothing is left of the session");
    assert!(gate.metrics.gauges().contains(&("connections", 0)));
}
