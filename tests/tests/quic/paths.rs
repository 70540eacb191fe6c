//! Addresses: clients that move, clients that must prove theirs, gateways that take each other's
//! word (R-H3-5).

use std::net::{Ipv4Addr, SocketAddr};

use tidegate_protocol::limits::QUIC_UNPROVEN_MAX;

use crate::client::{Client, connect, endpoint, patient, socket};
use crate::gateway::Gateway;

/// A read goes on while its client changes its address, as a phone does.
#[tokio::test]
async fn a_connection_moves_with_its_client() {
    let gateway = Gateway::start().await;
    gateway.create("c").await;
    let mut client = Client::connect(gateway.port).await;
    let mut reading = client.read("c", None).await;
    for round in 0..6_u64 {
        gateway.emit("c", "word").await;
        assert_eq!(reading.take(1).await[0].seq_num, round);
        let before = client.endpoint.local_addr().expect("bound");
        client.endpoint.rebind(socket()).expect("rebound");
        assert_ne!(client.endpoint.local_addr().expect("bound"), before);
        // A client that moves says something.
        assert_eq!(client.get("/live").await.status, 200);
    }
    assert_eq!(gateway.metric("quic_connections_accepted_total").await, 1);
}

/// While many handshakes hang, who comes new proves its address, and gets in.
#[tokio::test]
async fn unproven_addresses_are_asked_again_when_many_hang() {
    let gateway = Gateway::start().await;
    assert_eq!(Client::connect(gateway.port).await.get("/live").await.status, 200);
    assert_eq!(gateway.metric("quic_retries_total").await, 0);
    let hanging = hang(gateway.port).await;
    assert_eq!(Client::connect(gateway.port).await.get("/live").await.status, 200);
    assert!(gateway.metric("quic_retries_total").await >= 1);
    drop(hanging);
}

/// As many handshakes as make the gateway careful, of clients that fall silent after they have
/// said hello.
async fn hang(port: u16) -> Vec<tokio::net::UdpSocket> {
    let mut sockets = Vec::new();
    for _ in 0..QUIC_UNPROVEN_MAX {
        let hello = hello().await;
        let socket = tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        socket.send_to(&hello, (Ipv4Addr::LOCALHOST, port)).await.expect("sent");
        // The gateway has taken it up.
        let mut answer = [0; 2048];
        patient(socket.recv_from(&mut answer)).await.expect("an answer");
        sockets.push(socket);
    }
    sockets
}

/// The first datagram of a client.
async fn hello() -> Vec<u8> {
    let ear = tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let client = endpoint(quinn::TransportConfig::default());
    let address: SocketAddr = ear.local_addr().expect("bound");
    let _connecting = client.connect(address, "localhost").expect("a valid name");
    let mut hello = vec![0; 2048];
    let (length, _) = patient(ear.recv_from(&mut hello)).await.expect("a hello");
    hello.truncate(length);
    hello
}

/// A gateway that has the secret ends the connections of one that is gone, at once; one that has
/// another secret can't, and its clients wait.
#[tokio::test]
async fn connections_of_a_lost_gateway_are_reset_by_who_has_the_secret() {
    let secret = "[server.quic]\nsecret = \"one for all\"\n";
    let gateway = Gateway::with("", secret).await;
    let mut client = Client::connect(gateway.port).await;
    assert_eq!(client.get("/live").await.status, 200);
    let other = Gateway::on(gateway.kill(), "", secret).await;
    let asked = client.try_ask(http::Method::GET, "/live", "").await;
    assert!(asked.is_err(), "{asked:?}");
    assert_eq!(client.quic.close_reason(), Some(quinn::ConnectionError::Reset));
    assert_eq!(Client::connect(other.port).await.get("/live").await.status, 200);
}

/// A proof of an address that one gateway gave is taken by another one.
#[tokio::test]
async fn tokens_are_taken_by_who_has_the_secret() {
    let secret = "[server.quic]\nsecret = \"one for all\"\n";
    let (one, other) = (Gateway::with("", secret).await, Gateway::with("", secret).await);
    let stranger = Gateway::start().await;
    let from = endpoint(quinn::TransportConfig::default());
    // The client keeps what it was given for the next connection to the same name.
    for (gateway, asked) in [(&other, 0), (&stranger, 1)] {
        let quic = connect(&from, one.port).await.expect("it is up");
        let mut client = Client::over(from.clone(), quic).await;
        assert_eq!(client.get("/live").await.status, 200);
        let hanging = hang(gateway.port).await;
        connect(&from, gateway.port).await.expect("it is up");
        assert_eq!(gateway.metric("quic_retries_total").await, asked);
        drop(hanging);
    }
}
