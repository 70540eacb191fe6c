//! A blocking client for what is not measured: set-up and checks.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{Parser, Piece, READ_BYTES, status};
use crate::target::AGENT;

/// The secret key of every target.
pub const KEY: &str = "tr_dev_bench";

const PATIENCE: Duration = Duration::from_secs(20);

/// One keep-alive connection.
#[derive(Debug)]
pub struct Control {
    address: String,
    stream: TcpStream,
    parser: Parser,
}

impl Control {
    /// Connects to `host:port`.
    pub fn connect(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { address: address.to_owned(), stream, parser: Parser::default() })
    }

    /// One request; status and body.
    pub fn request(&mut self, start: &str, body: &str) -> io::Result<(u16, Vec<u8>)> {
        let mut request =
            head(start, &self.address, &[("content-length", &body.len().to_string())]);
        request.push_str(body);
        self.stream.write_all(request.as_bytes())?;
        let (mut code, mut answer, mut done) = (0, Vec::new(), false);
        let mut buffer = [0; 4096];
        while !done {
            let count = self.stream.read(&mut buffer)?;
            if count == 0 {
                return Err(io::Error::other(format!("{start}: the connection ended")));
            }
            self.parser.feed(&buffer[..count], |piece| match piece {
                Piece::Head(head) => code = status(head),
                Piece::Body(part) => answer.extend_from_slice(part),
                Piece::End => done = true,
            })?;
        }
        Ok((code, answer))
    }

    /// One request that has to succeed.
    pub fn expect(&mut self, start: &str, body: &str) -> io::Result<Vec<u8>> {
        let (code, answer) = self.request(start, body)?;
        if (200..300).contains(&code) {
            return Ok(answer);
        }
        let shown = String::from_utf8_lossy(&answer[..answer.len().min(300)]).into_owned();
        Err(io::Error::other(format!("{start}: {code} {shown}")))
    }

    /// Makes a session called `name` of the usual agent.
    pub fn create(&mut self, name: &str) -> io::Result<()> {
        self.create_for(name, AGENT)
    }

    /// Makes a session called `name` of `agent`.
    pub fn create_for(&mut self, name: &str, agent: &str) -> io::Result<()> {
        let body = format!(
            "{{\"type\":\"chat.agent\",\"externalId\":\"{name}\",\"taskIdentifier\":\"{agent}\",\
             \"triggerConfig\":{{\"basePayload\":{{\"chatId\":\"{name}\"}}}}}}"
        );
        self.expect("POST /api/v1/sessions", &body).map(drop)
    }

    /// A followed stream: returns once its head was read, with the bytes that came along.
    pub fn follow(
        address: &str,
        path: &str,
        cursor: Option<u64>,
    ) -> io::Result<(TcpStream, Parser, Vec<u8>)> {
        let cursor = cursor.map(|seq| seq.to_string());
        let mut headers = vec![("accept", "text/event-stream"), ("timeout-seconds", "600")];
        headers.extend(cursor.iter().map(|seq| ("last-event-id", seq.as_str())));
        let mut client = Self::connect(address)?;
        client.stream.write_all(head(&format!("GET {path}"), address, &headers).as_bytes())?;
        let (mut code, mut early) = (0, Vec::new());
        let mut buffer = [0; READ_BYTES];
        while code == 0 {
            let count = client.stream.read(&mut buffer)?;
            if count == 0 {
                return Err(io::Error::other(format!("GET {path}: the connection ended")));
            }
            client.parser.feed(&buffer[..count], |piece| match piece {
                Piece::Head(head) => code = status(head),
                Piece::Body(part) => early.extend_from_slice(part),
                Piece::End => {}
            })?;
        }
        if code != 200 {
            let shown = String::from_utf8_lossy(&early);
            return Err(io::Error::other(format!("GET {path}: {code} {shown}")));
        }
        Ok((client.stream, client.parser, early))
    }
}

/// A request's head, with its empty line. `start` is method and path.
pub fn head(start: &str, address: &str, headers: &[(&str, &str)]) -> String {
    let mut text = format!(
        "{start} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {KEY}\r\n\
         content-type: application/json\r\n"
    );
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").expect("a String takes every write");
    }
    text.push_str("\r\n");
    text
}
