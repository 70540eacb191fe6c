//! The handshake, `hello` and `welcome` (R-DPX-1, R-DPX-4).

use serde_json::json;
use tidegate_protocol::duplex::SUBPROTOCOL;
use tidegate_protocol::limits::{DUPLEX_FRAME_MAX_BYTES, DUPLEX_HELLO_MAX_BYTES};
use tokio_tungstenite::tungstenite::Message;

use crate::duplex::pipe::Pipe;
use crate::duplex::start::gate;
use crate::duplex::wire::{Via, Wire, over_each};
use crate::harness::KEY;

over_each! {
    welcome_tells_of_the_connection
    a_hello_that_is_refused_says_whether_to_come_back
    what_is_no_frame_closes_the_connection
    who_says_nothing_is_let_go
    who_has_no_credential_is_held_short
}

#[tokio::test]
async fn an_upgrade_offers_the_subprotocol() {
    let gate = gate().await;
    for headers in [&[][..], &[("sec-websocket-protocol", "tidegate.v9")]] {
        let refusal = Pipe::socket(gate.server.local_addr(), headers).await;
        let (status, body) = refusal.err().expect("a refusal");
        assert_eq!((status, &body["code"]), (400, &json!("unsupported_subprotocol")));
    }
    let plain = gate.client().get("/v1/connect").await;
    assert_eq!((plain.status, plain.code().as_str()), (400, "unsupported_subprotocol"));
}

async fn welcome_tells_of_the_connection(via: Via) {
    let gate = gate().await;
    let mut wire = Wire::silent(&gate, via).await;
    let token = gate.token(&["read:sessions:c"]);
    wire.send(&json!({"t": "hello", "token": token, "new": true})).await;
    let welcome = wire.next().await;
    assert_eq!((&welcome["t"], &welcome["protocol"]), (&json!("welcome"), &json!(1)));
    assert!(welcome["connection"].as_str().is_some_and(|name| name.starts_with("c_")));
    let (now, end) = (welcome["now"].as_u64(), welcome["expires_at"].as_u64());
    assert!(end > now, "{welcome}");
    assert_eq!(welcome["frame_bytes"], DUPLEX_FRAME_MAX_BYTES);
    let mut other = Wire::new(&gate, via).await;
    let forever = other.ask(json!({"t": "auth", "token": KEY})).await;
    assert_eq!(forever.get("expires_at"), None, "{forever}");
}

#[tokio::test]
async fn a_credential_may_be_in_the_handshake() {
    let gate = gate().await;
    gate.create("c").await;
    let address = gate.server.local_addr();
    let bearer = format!("Bearer {KEY}");
    let headers = [("sec-websocket-protocol", SUBPROTOCOL), ("authorization", &*bearer)];
    let mut wire = Wire::over(Pipe::socket(address, &headers).await.expect("an upgrade"));
    wire.send(&json!({"t": "hello"})).await;
    assert_eq!(wire.next().await["t"], "welcome");
    wire.subscribe(1, "c", json!({})).await;
    let headers = [("sec-websocket-protocol", SUBPROTOCOL), ("authorization", "Bearer no")];
    let refusal = Pipe::socket(address, &headers).await;
    assert_eq!(refusal.err().expect("a refusal").0, 401);
}

async fn a_hello_that_is_refused_says_whether_to_come_back(via: Via) {
    let gate = gate().await;
    let access = gate.gateway.access();
    let expired = access.mint("dev", Vec::new(), access.now_s() - 1, None, None).expect("a key");
    for (token, expected) in [(expired.as_str(), 4001), ("nonsense", 4500)] {
        let mut wire = Wire::silent(&gate, via).await;
        wire.send(&json!({"t": "hello", "token": token})).await;
        let (frames, code, _) = wire.closed().await;
        assert_eq!(code, expected);
        assert_eq!(frames[0]["code"], "unauthenticated", "{frames:?}");
    }
}

async fn what_is_no_frame_closes_the_connection(via: Via) {
    let gate = gate().await;
    let huge = " ".repeat(DUPLEX_FRAME_MAX_BYTES + 1);
    let binary = match via {
        Via::WebSocket => 1003,
        Via::WebTransport => 4400,
    };
    for (message, expected) in [
        (Message::text("no JSON"), 4400),
        (Message::text("[]"), 4400),
        (Message::text(r#"{"t":"batch","id":1}"#), 4400),
        (Message::text(r#"{"t":"subscribe","id":"one"}"#), 4400),
        // `hello` comes first, and once.
        (Message::text(r#"{"t":"hello"}"#), 4400),
        (Message::binary(b"x".as_slice()), binary),
        (Message::binary(b"\xff".as_slice()), binary),
        (Message::text(huge), 4503),
    ] {
        let mut wire = Wire::new(&gate, via).await;
        wire.message(message.clone()).await;
        let (_, code, reason) = wire.closed().await;
        assert_eq!(code, expected, "{reason}");
    }
    let mut wire = Wire::silent(&gate, via).await;
    wire.send(&json!({"t": "ping"})).await;
    assert_eq!(wire.closed().await.1, 4400);
    gate.until_gauge("streams", 0).await;
}

async fn who_says_nothing_is_let_go(via: Via) {
    let gate = gate().await;
    let mut wire = Wire::silent(&gate, via).await;
    assert_eq!(wire.closed().await.1, 4006);
}

async fn who_has_no_credential_is_held_short(via: Via) {
    let gate = gate().await;
    let long = json!({"t": "x".repeat(DUPLEX_HELLO_MAX_BYTES / 2)});
    let too_long = json!({"t": "x".repeat(DUPLEX_HELLO_MAX_BYTES)});
    for (frame, expected) in [(long, 4400), (too_long, 4503)] {
        let mut wire = Wire::silent(&gate, via).await;
        wire.send(&json!({"t": "hello"})).await;
        assert_eq!(wire.next().await["t"], "welcome");
        wire.send(&frame).await;
        let (frames, code, _) = wire.closed().await;
        assert_eq!(code, expected);
        let shown = frames[0]["message"].as_str().expect("a message").len();
        assert!(shown < 500, "{shown} bytes are shown");
    }
}
