//! How long the gateway waits for a client of HTTP/3, with short times (R-H3-6, R-H3-7).

use std::time::Duration;

use quinn::{ReadError, ReadToEndError, TransportConfig, VarInt};
use tidegate_core::seams::store::{Append, Commit, Op, Writer};
use tidegate_protocol::NewRecord;
use tidegate_protocol::ids::{Channel, SessionKey};
use tidegate_transport::config::Limits;

use crate::client::{Http, frame, patient};
use crate::gate::gate_with;
use crate::service::{Gate, KEY};

const SHORT: Duration = Duration::from_millis(300);
const RECORD: usize = 200_000;

async fn fill(gate: &Gate, count: usize) {
    let data = format!("{{\"type\":\"x\",\"data\":\"{}\"}}", "x".repeat(RECORD));
    for at in 0..count {
        let append = Append {
            channel: Channel::OUT,
            writer: Writer::Client,
            frame_key: None,
            records: vec![NewRecord::data(data.as_bytes(), &format!("p{at}"))],
            owed: false,
        };
        let commit = Commit { session: SessionKey::new("dev", "c"), ops: vec![Op::Append(append)] };
        gate.gateway.store().commit(commit).await.expect("committed");
    }
}

/// Who takes nothing for `write_stall` loses that stream, and only that one.
#[tokio::test]
async fn a_reader_that_takes_nothing_is_cut() {
    let gate = gate_with(Limits { write_stall: SHORT, ..Limits::default() });
    let mut transport = TransportConfig::default();
    transport.stream_receive_window(VarInt::from_u32(16 * 1024));
    let http = Http::connect(gate.server.local_addr(), transport).await;
    let bearer = format!("Bearer {KEY}");
    let ask = |method: &'static str, path: &'static str, ended: bool| {
        let (http, bearer) = (&http, bearer.clone());
        async move {
            let fields = [
                (":method", method),
                (":scheme", "https"),
                (":authority", "localhost"),
                (":path", path),
                ("authorization", bearer.as_str()),
            ];
            let (mut send, receive) = http.ask(&fields).await;
            if ended {
                send.finish().expect("open");
            }
            (send, receive)
        }
    };
    let (mut send, mut created) = ask("POST", "/api/v1/sessions", false).await;
    let body =
        br#"{"type":"chat.agent","externalId":"c","taskIdentifier":"demo","triggerConfig":{}}"#;
    let length = u8::try_from(body.len()).expect("short") - 0x40;
    assert!(length < 0x40, "its length takes two bytes");
    send.write_all(&[0, 0x40, length + 0x40]).await.expect("sent");
    send.write_all(body).await.expect("sent");
    send.finish().expect("open");
    frame(&mut created).await.expect("an answer");
    fill(&gate, 20).await;
    let (_send, mut reading) = ask("GET", "/realtime/v1/sessions/c/out", true).await;
    frame(&mut reading).await.expect("an answer");
    let cut = patient(reading.received_reset()).await.expect("connected");
    assert_eq!(cut, Some(VarInt::from_u32(0x10c)));
    assert!(http.lives().await);
    assert!(gate.metrics.gauges().contains(&("streams", 0)));
}

/// A head that does not come is waited for so long.
#[tokio::test]
async fn a_head_has_its_time() {
    let gate = gate_with(Limits { idle_timeout: SHORT, ..Limits::default() });
    let http = Http::connect(gate.server.local_addr(), TransportConfig::default()).await;
    let (mut send, mut receive) = http.quic.open_bi().await.expect("there is room");
    send.write_all(&[1, 100, 0]).await.expect("sent");
    let ended = patient(receive.read_to_end(16)).await.expect_err("refused");
    // With the stream, or with a connection on which nothing is asked.
    let code = VarInt::from_u32(0x10d);
    let alone = ReadToEndError::Read(ReadError::Reset(code));
    assert!(ended == alone || http.quic.close_reason().is_some(), "{ended:?}");
}

/// A connection on which nothing is asked ends without an error; one with a session stays.
#[tokio::test]
async fn idle_connections_end() {
    let gate = gate_with(Limits { idle_timeout: SHORT, ..Limits::default() });
    let busy = Http::connect(gate.server.local_addr(), TransportConfig::default()).await;
    let _session = busy.session("/echo").await.expect("a session");
    let idle = Http::connect(gate.server.local_addr(), TransportConfig::default()).await;
    let quinn::ConnectionError::ApplicationClosed(close) = patient(idle.quic.closed()).await else {
        panic!("it was cut");
    };
    assert_eq!(close.error_code, VarInt::from_u32(0x100));
    assert!(busy.lives().await);
}
