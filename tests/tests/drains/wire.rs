//! Bare sockets: what is really on the wire.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use tidegate_tests::process::KEY;

/// The type of a GOAWAY frame (RFC 9113 §6.8).
const GOAWAY: u8 = 7;

/// An HTTP/1.1 connection that stays open for as long as the gateway lets it.
pub(crate) struct Http1(TcpStream);

impl Http1 {
    pub(crate) async fn connect(address: &str) -> std::io::Result<Self> {
        TcpStream::connect(address).await.map(Self)
    }

    /// Sends the head of a request and as much of its body.
    pub(crate) async fn begin(&mut self, method: &str, path: &str, length: usize, body: &str) {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {KEY}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.more(&head).await;
    }

    pub(crate) async fn more(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.expect("the gateway still reads");
    }

    /// The head of an answer, in small letters.
    pub(crate) async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.expect("an answer"));
        }
        String::from_utf8(head).expect("text").to_ascii_lowercase()
    }

    /// All that still comes until the gateway closes.
    pub(crate) async fn rest(mut self) -> String {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).await.expect("a clean end");
        String::from_utf8(rest).expect("text")
    }
}

/// An HTTP/2 connection on which nothing is asked.
pub(crate) async fn idle_http2(address: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("it is up");
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.expect("open");
    stream.write_all(&settings).await.expect("open");
    stream
}

/// Reads until the gateway says GOAWAY; with which error code.
pub(crate) async fn goaway(stream: &mut TcpStream) -> u32 {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.expect("closed without GOAWAY");
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).await.expect("a whole frame");
        if head[3] == GOAWAY {
            return u32::from_be_bytes(payload[4..8].try_into().expect("its code"));
        }
    }
}
