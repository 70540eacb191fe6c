//! The backend: an AI SDK route that answers at a pace.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io::{self, ErrorKind};
use std::net::TcpListener;
use std::time::Instant;

use memchr::memmem;

use super::chunks::Part;
use super::plan::TurnPlan;
use crate::load::turns::chat::CHAT_PREFIX;
use crate::net::{Conn, Marker, Piece, Reactor, Ready};

/// Connections of the gateway, and what each has still to be sent.
#[derive(Debug)]
pub(super) struct Upstream {
    plan: TurnPlan,
    listener: TcpListener,
    listener_token: u64,
    last_token: u64,
    conns: HashMap<u64, Served>,
    due: BinaryHeap<Reverse<(Instant, u64)>>,
    scratch: Vec<u8>,
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Served {
    conn: Conn,
    body: Vec<u8>,
    /// Session and chunks that are left.
    answer: Option<(u32, u32)>,
}

impl Upstream {
    /// Tokens from `first_token` on are its own.
    pub(super) fn open(plan: TurnPlan, reactor: &Reactor, first_token: u64) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        reactor.add(&listener, first_token)?;
        Ok(Self {
            plan,
            listener,
            listener_token: first_token,
            last_token: first_token,
            conns: HashMap::new(),
            due: BinaryHeap::new(),
            scratch: Vec::new(),
            bytes: Vec::new(),
        })
    }

    /// What the agent's configuration names.
    pub(super) fn url(&self) -> io::Result<String> {
        Ok(format!("http://{}/api/chat", self.listener.local_addr()?))
    }

    /// The moment of the next chunk.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse((due, _))| *due)
    }

    /// A socket of its own is ready. Returns the session whose request is whole by now: its
    /// answer is due at once.
    pub(super) fn handle(
        &mut self,
        one: Ready,
        reactor: &Reactor,
        buffer: &mut [u8],
    ) -> io::Result<Option<u32>> {
        if one.token == self.listener_token {
            self.accept(reactor)?;
            return Ok(None);
        }
        let Some(served) = self.conns.get_mut(&one.token) else { return Ok(None) };
        if one.writable {
            served.conn.flush(reactor)?;
        }
        if !one.readable {
            return Ok(None);
        }
        let Some(count) = served.conn.read(buffer)? else { return Ok(None) };
        if count == 0 {
            // The gateway may close what it keeps; a cut answer shows as lost chunks.
            self.conns.remove(&one.token);
            return Ok(None);
        }
        let (body, mut whole) = (&mut served.body, false);
        served.conn.parser.feed(&buffer[..count], |piece| match piece {
            Piece::Head(_) => body.clear(),
            Piece::Body(part) => body.extend_from_slice(part),
            Piece::End => whole = true,
        })?;
        if !whole {
            return Ok(None);
        }
        let session = session(body)?;
        served.answer = Some((session, self.plan.chunks));
        self.due.push(Reverse((Instant::now(), one.token)));
        Ok(Some(session))
    }

    /// Writes every chunk that is due. `next_index` gives a session's next index and notes the
    /// moment.
    pub(super) fn send_due(
        &mut self,
        reactor: &Reactor,
        mut next_index: impl FnMut(u32) -> u32,
    ) -> io::Result<()> {
        let now = Instant::now();
        while let Some(Reverse((due, token))) = self.due.peek().copied()
            && due <= now
        {
            self.due.pop();
            let Some(served) = self.conns.get_mut(&token) else { continue };
            let Some((session, left)) = served.answer else { continue };
            let (is_first, is_last) = (left == self.plan.chunks, left == 1);
            served.answer = (!is_last).then_some((session, left - 1));
            let marker = Marker { session, index: next_index(session) };
            Part { marker, is_first, is_last }.write(&mut self.scratch, &mut self.bytes);
            served.conn.send(reactor, &self.bytes)?;
            if !is_last {
                self.due.push(Reverse((due + self.plan.period(), token)));
            }
        }
        Ok(())
    }

    fn accept(&mut self, reactor: &Reactor) -> io::Result<()> {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    self.last_token += 1;
                    let conn = Conn::new(stream, reactor, self.last_token)?;
                    let served = Served { conn, body: Vec::new(), answer: None };
                    self.conns.insert(self.last_token, served);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

/// The session that a request's `id` names.
fn session(body: &[u8]) -> io::Result<u32> {
    let at = memmem::find(body, CHAT_PREFIX.as_bytes()).map(|at| at + CHAT_PREFIX.len());
    let rest = at.and_then(|at| body.get(at..)).unwrap_or_default();
    let digits: Vec<u8> = rest.iter().copied().take_while(u8::is_ascii_digit).collect();
    let number = std::str::from_utf8(&digits).ok().and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| io::Error::other("a request to the backend that names no session"))
}
