//! Datagrams and streams that mean nothing.

use std::net::Ipv4Addr;

use h3::error::Code;
use quinn::VarInt;

use crate::client::{Client, connect, endpoint, patient, socket};
use crate::gateway::Gateway;

/// A small generator; the same numbers on every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, max: u64) -> Vec<u8> {
        let length = self.next() % max;
        (0..length).map(|_| self.next() as u8).collect()
    }
}

const SEED: u64 = 0x7469_6465;

#[tokio::test]
async fn datagrams_of_noise_disturb_nobody() {
    let gateway = Gateway::start().await;
    let mut client = Client::connect(gateway.port).await;
    let (socket, mut numbers) = (socket(), Numbers(SEED));
    println!("seed {SEED:#x}");
    for at in 0..3_000_u64 {
        let mut datagram = numbers.bytes(1_400);
        // Long headers of version 1, of an unknown version, and short ones.
        if let Some(first) = datagram.first_mut() {
            *first |= [0xc0, 0xc0, 0x40][(at % 3) as usize];
        }
        if at % 3 == 0 && datagram.len() > 6 {
            datagram[1..6].copy_from_slice(&[0, 0, 0, 1, 8]);
        }
        // A full buffer of the kernel drops some, which is as good.
        _ = socket.send_to(&datagram, (Ipv4Addr::LOCALHOST, gateway.port));
        if at % 500 == 0 {
            assert_eq!(client.get("/live").await.status, 200);
        }
    }
    assert_eq!(client.get("/live").await.status, 200);
    assert_eq!(Client::connect(gateway.port).await.get("/live").await.status, 200);
    gateway.until("connections", 2).await;
}

/// Noise on a request's stream ends that stream or its connection, with a code of HTTP/3.
#[tokio::test]
async fn streams_of_noise_end_alone() {
    let gateway = Gateway::start().await;
    let mut bystander = Client::connect(gateway.port).await;
    let (from, mut numbers) = (endpoint(quinn::TransportConfig::default()), Numbers(SEED));
    println!("seed {SEED:#x}");
    for _ in 0..300 {
        let quic = connect(&from, gateway.port).await.expect("it is up");
        let noise = numbers.bytes(600);
        if numbers.next() % 2 == 0 {
            let (mut send, mut receive) = quic.open_bi().await.expect("there is room");
            // It may be refused before it is all sent.
            _ = send.write_all(&noise).await;
            _ = send.finish();
            _ = patient(receive.read_to_end(64 * 1024)).await;
        } else {
            let mut send = quic.open_uni().await.expect("there is room");
            _ = send.write_all(&noise).await;
            _ = send.finish();
            _ = patient(send.stopped()).await;
        }
        if let Some(quinn::ConnectionError::ApplicationClosed(close)) = quic.close_reason() {
            let code = close.error_code.into_inner();
            assert!(
                (0x100..=0x110).contains(&code) || (0x200..=0x202).contains(&code),
                "{code:#x}"
            );
        }
        quic.close(0u32.into(), b"");
    }
    assert_eq!(bystander.get("/live").await.status, 200);
    from.close(0u32.into(), b"");
    gateway.until("connections", 2).await;
}

/// RFC 9114 §6.2.1 and §7.2.4: what may be there once is there once.
#[tokio::test]
async fn what_http_3_forbids_ends_the_connection() {
    let gateway = Gateway::start().await;
    let cases: [(&[&[u8]], Code); 5] = [
        (&[&[0, 4, 0], &[0, 4, 0]], Code::H3_STREAM_CREATION_ERROR),
        (&[&[0, 0, 1, 7]], Code::H3_MISSING_SETTINGS),
        (&[&[0, 4, 0, 4, 0]], Code::H3_FRAME_UNEXPECTED),
        (&[&[0, 4, 0, 1, 1, 0]], Code::H3_FRAME_UNEXPECTED),
        (&[&[0, 4, 2, 2, 0]], Code::H3_SETTINGS_ERROR),
    ];
    for (streams, code) in cases {
        let from = endpoint(quinn::TransportConfig::default());
        let quic = connect(&from, gateway.port).await.expect("it is up");
        let mut open = Vec::new();
        for bytes in streams {
            let mut stream = quic.open_uni().await.expect("there is room");
            stream.write_all(bytes).await.expect("sent");
            open.push(stream);
        }
        let quinn::ConnectionError::ApplicationClosed(close) = patient(quic.closed()).await else {
            panic!("{streams:?}");
        };
        let expected = VarInt::from_u64(code.value()).expect("a code");
        assert_eq!(close.error_code, expected, "{streams:?}");
    }
}
