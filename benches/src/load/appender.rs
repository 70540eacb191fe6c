//! Appends to one stream over one keep-alive connection, one at a time as a client of the
//! protocol does.

use std::io::{self, Write};
use std::ops::Range;

use crate::net::{
    BODY_BYTES, Bulk, Conn, Marker, Piece, Reactor, head, head_as, status, write_body, write_bulk,
};

/// The connection and the request that it repeats.
#[derive(Debug)]
pub(super) struct Appender {
    conn: Conn,
    /// The request's head, up to the headers that vary.
    head: String,
    request: Vec<u8>,
    /// An answer is awaited.
    pub(super) busy: bool,
}

impl Appender {
    /// To the stream at `path`, as `/realtime/v1/sessions/x/out`.
    pub(super) fn new(
        address: &str,
        path: &str,
        reactor: &Reactor,
        token: u64,
    ) -> io::Result<Self> {
        let conn = Conn::connect(address, reactor, token)?;
        let mut head = head(&format!("POST {path}/append"), address, &[]);
        head.truncate(head.len() - 2);
        Ok(Self { conn, head, request: Vec::new(), busy: false })
    }

    /// To the stream that `bulk` is for, several records at once.
    pub(super) fn bulk(
        address: &str,
        bulk: &Bulk,
        reactor: &Reactor,
        token: u64,
    ) -> io::Result<Self> {
        let conn = Conn::connect(address, reactor, token)?;
        let start = format!("POST /s2/v1/streams/{}/records", bulk.stream);
        let mut head = head_as(&bulk.token, &start, address, &[]);
        head.truncate(head.len() - 2);
        Ok(Self { conn, head, request: Vec::new(), busy: false })
    }

    /// Sends records of the generator in one append.
    pub(super) fn send_bulk(
        &mut self,
        reactor: &Reactor,
        session: u32,
        indexes: Range<u32>,
    ) -> io::Result<()> {
        let mut body = Vec::new();
        write_bulk(session, indexes.clone(), &mut body);
        self.start(Marker { session, index: indexes.start }, body.len());
        self.request.extend_from_slice(&body);
        self.conn.send(reactor, &self.request)
    }

    /// Sends a record of the generator.
    pub(super) fn send(&mut self, reactor: &Reactor, marker: Marker) -> io::Result<()> {
        self.start(marker, BODY_BYTES);
        write_body(marker, &mut self.request);
        self.conn.send(reactor, &self.request)
    }

    /// Sends any record; `marker` makes its part id.
    pub(super) fn send_body(
        &mut self,
        reactor: &Reactor,
        marker: Marker,
        body: &[u8],
    ) -> io::Result<()> {
        self.start(marker, body.len());
        self.request.extend_from_slice(body);
        self.conn.send(reactor, &self.request)
    }

    /// The socket takes bytes again.
    pub(super) fn flush(&mut self, reactor: &Reactor) -> io::Result<()> {
        self.conn.flush(reactor)
    }

    /// Reads; was the record accepted by now?
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        let Some(count) = self.conn.read(buffer)? else { return Ok(false) };
        if count == 0 {
            return Err(io::Error::other("the target closed an appending connection"));
        }
        let (mut refused, mut done) = (None, false);
        self.conn.parser.feed(&buffer[..count], |piece| match piece {
            Piece::Head(head) if status(head) == 200 => {}
            Piece::Head(head) => refused = Some(String::from_utf8_lossy(head).into_owned()),
            Piece::Body(part) => {
                if let Some(refused) = &mut refused {
                    refused.push_str(&String::from_utf8_lossy(part));
                }
            }
            Piece::End => done = true,
        })?;
        if let Some(refused) = refused {
            return Err(io::Error::other(format!("an append was refused: {refused}")));
        }
        self.busy &= !done;
        Ok(done)
    }

    fn start(&mut self, marker: Marker, length: usize) {
        self.busy = true;
        self.request.clear();
        self.request.extend_from_slice(self.head.as_bytes());
        write!(
            self.request,
            "x-part-id: {}-{}\r\ncontent-length: {length}\r\n\r\n",
            marker.session, marker.index
        )
        .expect("a Vec takes every write");
    }
}
