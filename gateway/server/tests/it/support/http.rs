//! A plain HTTP/1.1 request, written by hand: what the gateway's client code must not hide.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// A header by its name in lower case; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    }
}

/// GETs `path`.
pub(crate) fn get(address: SocketAddr, path: &str, key: Option<&str>) -> Answer {
    request(address, "GET", path, key, "")
}

/// Follows a stream until `text` comes, and hangs up.
pub(crate) fn follow_until(address: SocketAddr, path: &str, key: &str, text: &str) {
    let mut socket = TcpStream::connect(address).expect("connects");
    let head = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n");
    let head = format!("{head}authorization: Bearer {key}\r\n\r\n");
    socket.write_all(head.as_bytes()).expect("writes");
    let mut come = String::new();
    let mut bytes = [0; 4096];
    while !come.contains(text) {
        let read = socket.read(&mut bytes).expect("reads");
        assert!(read > 0, "the stream ended before {text:?}: {come}");
        come.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
}

/// Sends one request and reads the answer to its end.
pub(crate) fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    key: Option<&str>,
    body: &str,
) -> Answer {
    let mut socket = TcpStream::connect(address).expect("connects");
    let authorization = key.map_or(String::new(), |key| format!("authorization: Bearer {key}\r\n"));
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{authorization}\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).expect("writes");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer in UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
    let header = |line: &str| {
        let (name, value) = line.split_once(':').expect("a header");
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    Answer {
        status: status.parse().expect("a status"),
        headers: lines.map(header).collect(),
        body: body.to_owned(),
    }
}
