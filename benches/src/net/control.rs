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

/// The right to append to one stream in bulk.
#[derive(Clone, Debug)]
pub struct Bulk {
    /// Name of the stream.
    pub stream: String,
    /// The bearer.
    pub token: String,
}

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
        let (head, answer) = self.exchange(start, body)?;
        Ok((status(&head), answer))
    }

    /// One request; head and body of the answer.
    fn exchange(&mut self, start: &str, body: &str) -> io::Result<(Vec<u8>, Vec<u8>)> {
        let mut request =
            head(start, &self.address, &[("content-length", &body.len().to_string())]);
        request.push_str(body);
        self.stream.write_all(request.as_bytes())?;
        let (mut start_of, mut answer, mut done) = (Vec::new(), Vec::new(), false);
        let mut buffer = [0; 4096];
        while !done {
            let count = self.stream.read(&mut buffer)?;
            if count == 0 {
                return Err(io::Error::other(format!("{start}: the connection ended")));
            }
            self.parser.feed(&buffer[..count], |piece| match piece {
                Piece::Head(head) => start_of = head.to_vec(),
                Piece::Body(part) => answer.extend_from_slice(part),
                Piece::End => done = true,
            })?;
        }
        Ok((start_of, answer))
    }

    /// Asks for the right to write the stream at `path` in bulk.
    pub fn writer(&mut self, path: &str) -> io::Result<Bulk> {
        let (head, _) = self.exchange(&format!("PUT {path}"), "")?;
        let text = String::from_utf8_lossy(&head);
        let of = |name: &str| {
            let mut fields = text.lines().filter_map(|line| line.split_once(": "));
            let (_, value) = fields.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
            Some(value.trim().to_owned())
        };
        let (stream, token) = (of("x-s2-stream-name"), of("x-s2-access-token"));
        match (stream, token) {
            (Some(stream), Some(token)) => Ok(Bulk { stream, token }),
            _ => Err(io::Error::other(format!("PUT {path}: {text}"))),
        }
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
    head_as(KEY, start, address, headers)
}

/// The same for another bearer.
pub fn head_as(bearer: &str, start: &str, address: &str, headers: &[(&str, &str)]) -> String {
    let mut text = format!(
        "{start} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {bearer}\r\n\
         content-type: application/json\r\n"
    );
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").expect("a String takes every write");
    }
    text.push_str("\r\n");
    text
}
