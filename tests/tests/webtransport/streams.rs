//! What runs on a session.

use bytes::Bytes;
use quinn::{TransportConfig, VarInt};

use crate::client::{Http, patient};
use crate::gate::gate;
use crate::read::line;
use crate::service::LINE_MAX_BYTES;

#[tokio::test]
async fn lines_go_both_ways_however_they_are_cut() {
    let gate = gate();
    let http = Http::connect(gate.server.local_addr(), TransportConfig::default()).await;
    let session = http.session("/echo").await.expect("a session");
    let (mut send, mut receive) = session.open().await;
    for piece in ["fir", "st\n", "second\nthi", "rd\n"] {
        send.write_all(piece.as_bytes()).await.expect("sent");
    }
    for expected in ["first", "second", "third"] {
        assert_eq!(line(&mut receive).await.as_deref(), Some(expected));
    }
    let long = "x".repeat(LINE_MAX_BYTES);
    send.write_all(format!("{long}\n").as_bytes()).await.expect("sent");
    assert_eq!(line(&mut receive).await, Some(long));
}

/// The client's first stream may be there before the session is.
#[tokio::test]
async fn the_control_stream_may_come_first() {
    let gate = gate();
    let http = Http::connect(gate.server.local_addr(), TransportConfig::default()).await;
    let (mut early, mut receive) = http.quic.open_bi().await.expect("there is room");
    // Of the session that is asked for on the next stream.
    early.write_all(&[&[0x40, 0x41, 4][..], b"early\n"].concat()).await.expect("sent");
    let session = http.session("/echo").await.expect("a session");
    assert_eq!(session.id, 4);
    assert_eq!(line(&mut receive).await.as_deref(), Some("early"));
}

/// R-DPX-3: a stream that its reader does not take delays no other one, nor plain requests.
#[tokio::test]
async fn a_stream_that_stands_still_holds_nobody_up() {
    let gate = gate();
    let mut transport = TransportConfig::default();
    transport.stream_receive_window(VarInt::from_u32(16 * 1024));
    let http = Http::connect(gate.server.local_addr(), transport).await;
    let session = http.session("/echo").await.expect("a session");
    let (mut send, mut receive) = session.open().await;
    send.write_all(b"open 1 1000 1000\n").await.expect("sent");
    let mut still = session.stream().await;
    assert_eq!(line(&mut still).await.as_deref(), Some("{\"t\":\"stream\",\"id\":1}"));
    for id in 2..20 {
        send.write_all(format!("open {id} 100 1000\n").as_bytes()).await.expect("sent");
        let mut stream = session.stream().await;
        assert_eq!(line(&mut stream).await, Some(format!("{{\"t\":\"stream\",\"id\":{id}}}")));
        let rest = patient(stream.read_to_end(1 << 20)).await.expect("whole");
        assert_eq!(rest.len(), 100 * 1001, "{id}");
        send.write_all(b"there?\n").await.expect("sent");
        assert_eq!(line(&mut receive).await.as_deref(), Some("there?"));
        assert!(http.lives().await);
    }
    let rest = patient(still.read_to_end(2 << 20)).await.expect("whole");
    assert_eq!(rest.len(), 1000 * 1001);
}

/// R-DPX-3: further streams and datagrams of the client are refused or dropped.
#[tokio::test]
async fn what_a_client_may_not_open_means_nothing() {
    let gate = gate();
    let http = Http::connect(gate.server.local_addr(), TransportConfig::default()).await;
    let session = http.session("/echo").await.expect("a session");
    let (mut send, mut receive) = session.open().await;
    send.write_all(b"hello\n").await.expect("sent");
    assert_eq!(line(&mut receive).await.as_deref(), Some("hello"));
    for _ in 0..300 {
        let (mut more, mut back) = session.open().await;
        // It may be refused before this is sent.
        _ = more.write_all(b"x\n").await;
        let refused = patient(back.read_to_end(16)).await.expect_err("refused");
        let code = VarInt::from_u32(0x3994_bd84);
        assert_eq!(refused, quinn::ReadToEndError::Read(quinn::ReadError::Reset(code)));
        let mut alone = session.quic.open_uni().await.expect("there is room");
        _ = alone.write_all(&[0x40, 0x54, 0, b'x']).await;
        // It is looked at when more comes.
        let stopped = alone.stopped();
        let flood = async {
            while alone.write(b"x").await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        let (stopped, ()) = patient(async { tokio::join!(stopped, flood) }).await;
        assert!(stopped.expect("connected").is_some());
        session.quic.send_datagram(Bytes::from_static(&[0, 1, 2])).expect("they are allowed");
    }
    send.write_all(b"still there\n").await.expect("sent");
    assert_eq!(line(&mut receive).await.as_deref(), Some("still there"));
    assert!(http.lives().await);
}
