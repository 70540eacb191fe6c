//! One SSE reader.

use std::io;

use crate::net::{Conn, Control, Events, Piece, Reactor, Record, Scanner};

/// A followed stream.
#[derive(Debug)]
pub(super) struct Follower {
    conn: Conn,
    events: Events,
}

impl Follower {
    /// Follows `path` from its start; returns when the target has answered. The stream has to be
    /// empty: what came with the head is only kept if it is part of an event.
    pub(super) fn open(
        address: &str,
        path: &str,
        reactor: &Reactor,
        token: u64,
    ) -> io::Result<Self> {
        let (stream, parser, early) = Control::follow(address, path, None)?;
        let mut conn = Conn::new(stream, reactor, token)?;
        conn.parser = parser;
        let mut events = Events::default();
        events.feed(&early, |_| ());
        Ok(Self { conn, events })
    }

    /// Reads once and hands the records to `sink`; how many bytes came. An end is an error: nothing
    /// here ends a stream.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        scanner: &Scanner,
        mut sink: impl FnMut(Record<'_>),
    ) -> io::Result<usize> {
        let Some(count) = self.conn.read(buffer)? else { return Ok(0) };
        let mut ended = count == 0;
        let events = &mut self.events;
        self.conn.parser.feed(&buffer[..count], |piece| match piece {
            Piece::Head(_) => {}
            Piece::Body(part) => events.feed(part, |run| scanner.scan(run, &mut sink)),
            Piece::End => ended = true,
        })?;
        if ended { Err(io::Error::other("a followed stream ended")) } else { Ok(count) }
    }
}
