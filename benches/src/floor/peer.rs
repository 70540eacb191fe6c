//! One connection: the request that is being read.

use std::io;
use std::net::TcpStream;

use crate::net::{Conn, Piece, Reactor};

/// A connection of the floor.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) conn: Conn,
    start: String,
    body: Vec<u8>,
    /// The stream that it follows.
    pub(super) follows: Option<String>,
}

/// A whole request.
#[derive(Debug)]
pub(super) struct Request {
    /// `GET /path`, without the query.
    pub(super) start: String,
    pub(super) body: Vec<u8>,
}

impl Peer {
    pub(super) fn new(stream: TcpStream, reactor: &Reactor, token: u64) -> io::Result<Self> {
        let conn = Conn::new(stream, reactor, token)?;
        Ok(Self { conn, start: String::new(), body: Vec::new(), follows: None })
    }

    /// Whole requests in `input`.
    pub(super) fn requests(&mut self, input: &[u8]) -> io::Result<Vec<Request>> {
        let mut requests = Vec::new();
        self.conn.parser.feed(input, |piece| match piece {
            Piece::Head(head) => self.start = start(head),
            Piece::Body(part) => self.body.extend_from_slice(part),
            Piece::End => requests.push(Request {
                start: std::mem::take(&mut self.start),
                body: std::mem::take(&mut self.body),
            }),
        })?;
        Ok(requests)
    }
}

/// Method and path.
fn start(head: &[u8]) -> String {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    line.rsplit_once(' ').map_or("", |(start, _)| start).to_owned()
}
