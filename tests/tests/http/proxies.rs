//! Proxies in front: what is believed of whom.

use serde_json::Value;
use tidegate_transport::proxies::Proxies;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::Client;
use crate::harness::Gate;

const CLAIMS: [(&str, &str); 2] =
    [("x-forwarded-proto", "https"), ("x-forwarded-host", "chat.example.com")];

async fn gate(trusted: &[&str], proxy_protocol: bool) -> Gate {
    let trusted = trusted.iter().map(|text| text.parse().expect("a network")).collect();
    Gate::with(|config| config.proxies = Proxies { trusted, proxy_protocol }).await
}

async fn url(client: &Client, headers: &[(&str, &str)]) -> Value {
    client.call("GET", "/.well-known/tidegate", headers, "").await.json()["url"].clone()
}

#[tokio::test]
async fn forwarded_headers_count_from_trusted_addresses_alone() {
    let gate = gate(&["127.0.0.0/8"], false).await;
    assert_eq!(url(&gate.client(), &CLAIMS).await, "https://chat.example.com");
    let forwarded = [("forwarded", "for=192.0.2.1;proto=https;host=chat.example.com")];
    assert_eq!(url(&gate.client(), &forwarded).await, "https://chat.example.com");
    gate.create("c").await;
    let credentials = gate.client().call("PUT", "/realtime/v1/sessions/c/out", &CLAIMS, "").await;
    let endpoint = credentials.header("x-s2-endpoint");
    assert_eq!(endpoint, Some("https://chat.example.com/s2/v1"));
    for other in [&["10.0.0.0/8"][..], &[]] {
        let gate = self::gate(other, false).await;
        let own = format!("http://{}", gate.server.local_addr());
        assert_eq!(url(&gate.client(), &CLAIMS).await, own);
        assert_eq!(url(&gate.client(), &forwarded).await, own);
    }
}

/// What is answered to a request behind `header`; empty if the connection is closed.
async fn behind(gate: &Gate, header: &[u8], claims: bool) -> String {
    let mut stream = TcpStream::connect(gate.server.local_addr()).await.expect("connects");
    stream.write_all(header).await.expect("written");
    let claims = if claims { "X-Forwarded-Host: chat.example.com\r\n" } else { "" };
    let request = format!(
        "GET /.well-known/tidegate HTTP/1.1\r\nHost: own\r\n{claims}Connection: close\r\n\r\n"
    );
    let mut answer = Vec::new();
    // A connection that was closed may refuse either.
    if stream.write_all(request.as_bytes()).await.is_ok() {
        let _ = stream.read_to_end(&mut answer).await;
    }
    String::from_utf8(answer).expect("text")
}

const V1: &[u8] = b"PROXY TCP4 192.0.2.1 127.0.0.1 5 80\r\n";
const V1_TRUSTED: &[u8] = b"PROXY TCP4 127.0.0.9 127.0.0.1 5 80\r\n";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\x7f\0\0\x01\0\x05\0\x50";
const V2_LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

#[tokio::test]
async fn connections_of_proxies_begin_with_a_header() {
    let gate = gate(&["127.0.0.0/8"], true).await;
    for header in [V1, V2, V2_LOCAL, V1_TRUSTED] {
        let answer = behind(&gate, header, false).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    // The client that the header names decides whether the request is believed.
    for (header, host) in [(V1, "own"), (V2, "own"), (V1_TRUSTED, "chat.example.com")] {
        let answer = behind(&gate, header, true).await;
        assert!(answer.contains(&format!("\"url\":\"http://{host}\"")), "{answer}");
    }
    for bad in [&b""[..], b"PROXY TCP4 x y 1 2\r\n", b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\0"] {
        assert_eq!(behind(&gate, bad, false).await, "");
    }
    assert!(behind(&gate, V1, false).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn nobody_else_may_send_one() {
    for proxy_protocol in [true, false] {
        let gate = gate(&["10.0.0.0/8"], proxy_protocol).await;
        assert!(behind(&gate, b"", false).await.starts_with("HTTP/1.1 200"));
        let answer = behind(&gate, V1, false).await;
        assert!(!answer.contains("200 OK"), "{answer}");
    }
}
