//! Takes the header of the PROXY protocol off a connection, and not a byte more: what follows may
//! be a TLS handshake.

use std::io::Error;
use std::net::IpAddr;
use std::time::Duration;

use tidegate_protocol::limits::PROXY_HEADER_MAX_BYTES;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::header::{self, FIXED_BYTES, Malformed, SIGNATURE, TEXT, TEXT_MAX_BYTES};

/// How long the header may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no header.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoHeader {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("the connection ended before it: {0}")]
    Cut(#[from] Error),
    #[error("it did not come in time")]
    Late,
}

/// The client's address; `None` where the proxy does not say.
pub(crate) async fn header(stream: &mut TcpStream) -> Result<Option<IpAddr>, NoHeader> {
    match tokio::time::timeout(TIMEOUT, read(stream)).await {
        Ok(result) => result,
        Err(_) => Err(NoHeader::Late),
    }
}

async fn read(stream: &mut TcpStream) -> Result<Option<IpAddr>, NoHeader> {
    // No header of either version is shorter.
    let mut first = [0; SIGNATURE.len()];
    stream.read_exact(&mut first).await?;
    if first == *SIGNATURE {
        return binary(stream).await;
    }
    if first.starts_with(TEXT) {
        return text(stream, &first).await;
    }
    Err(Malformed("the connection begins with something else").into())
}

async fn binary(stream: &mut TcpStream) -> Result<Option<IpAddr>, NoHeader> {
    let mut fixed = [0; FIXED_BYTES];
    stream.read_exact(&mut fixed[SIGNATURE.len()..]).await?;
    let length = header::rest_of(&fixed);
    if FIXED_BYTES + length > PROXY_HEADER_MAX_BYTES {
        return Err(Malformed("it is longer than it may be").into());
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).await?;
    Ok(header::binary(&fixed, &rest)?)
}

async fn text(stream: &mut TcpStream, first: &[u8]) -> Result<Option<IpAddr>, NoHeader> {
    let mut line = Vec::with_capacity(TEXT_MAX_BYTES);
    line.extend_from_slice(first);
    while !line.ends_with(b"\n") {
        let mut ahead = [0; TEXT_MAX_BYTES];
        let room = TEXT_MAX_BYTES - line.len();
        if room == 0 {
            return Err(Malformed("the line is longer than it may be").into());
        }
        // Looked at first: everything up to a line end belongs to the header.
        let seen = stream.peek(&mut ahead[..room]).await?;
        let end = ahead[..seen].iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let taken = end.unwrap_or(seen).max(1);
        stream.read_exact(&mut ahead[..taken]).await?;
        line.extend_from_slice(&ahead[..taken]);
    }
    Ok(header::text(&line)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    /// What is made of `pieces`, and what is left in the connection.
    async fn received(pieces: &[&[u8]]) -> (Result<Option<IpAddr>, NoHeader>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let pieces: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
        let writing = tokio::spawn(async move {
            let mut client = TcpStream::connect(address).await.expect("connects");
            client.set_nodelay(true).expect("a socket");
            for piece in pieces {
                client.write_all(&piece).await.expect("writes");
                tokio::task::yield_now().await;
            }
        });
        let (mut stream, _) = listener.accept().await.expect("accepts");
        let result = header(&mut stream).await;
        writing.await.expect("no panic");
        let mut left = Vec::new();
        stream.read_to_end(&mut left).await.expect("reads");
        (result, left)
    }

    #[tokio::test]
    async fn nothing_behind_the_header_is_taken() {
        let line: &[u8] = b"PROXY TCP4 192.0.2.1 10.0.0.1 5 443\r\n";
        let mut v2 = [SIGNATURE, &b"\x21\x11\0\x0c"[..]].concat();
        v2.extend_from_slice(&[192, 0, 2, 1, 10, 0, 0, 1, 0, 1, 0, 2]);
        for bytes in [line, &v2] {
            let whole = [bytes, b"GET / HTTP/1.1\r\n"].concat();
            let single: Vec<&[u8]> = whole.chunks(1).collect();
            for pieces in [vec![&whole[..]], single] {
                let (result, left) = received(&pieces).await;
                assert_eq!(result.expect("a header"), "192.0.2.1".parse().ok());
                assert_eq!(left, b"GET / HTTP/1.1\r\n");
            }
        }
        let (result, left) = received(&[b"PROXY UNKNOWN\r\nx"]).await;
        assert_eq!((result.expect("a header"), &left[..]), (None, &b"x"[..]));
    }

    #[tokio::test]
    async fn what_is_no_header_is_told_apart() {
        let endless = [&b"PROXY TCP4 "[..], &[b'1'; 200]].concat();
        let long = [SIGNATURE, &b"\x21\x11\xff\xff"[..]].concat();
        let cases: [(&[u8], &str); 4] = [
            (b"GET / HTTP/1.1\r\n\r\n", "something else"),
            (&endless, "longer than it may be"),
            (&long, "longer than it may be"),
            (b"PROXY", "ended before it"),
        ];
        for (bytes, reason) in cases {
            let error = received(&[bytes]).await.0.expect_err("no header").to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
