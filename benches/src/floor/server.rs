//! The event loop.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Write};
use std::net::TcpListener;

use super::peer::{Peer, Request};
use crate::net::{READ_BYTES, Reactor, Ready};

const LISTENER: u64 = u64::MAX - 1;

const FOLLOWED: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
    x-stream-version: v2\r\ntransfer-encoding: chunked\r\n\r\n";

/// Serves `address` until the process is killed.
pub fn serve(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let mut reactor = Reactor::new()?;
    reactor.add(&listener, LISTENER)?;
    let mut floor = Floor::default();
    let (mut ready, mut buffer) = (Vec::new(), vec![0; READ_BYTES]);
    loop {
        reactor.wait(None, &mut ready)?;
        for one in &ready {
            if one.token == LISTENER {
                floor.accept(&listener, &reactor)?;
            } else if floor.serve(*one, &reactor, &mut buffer).is_err() {
                floor.drop_peer(one.token);
            }
        }
    }
}

#[derive(Debug, Default)]
struct Floor {
    peers: HashMap<u64, Peer>,
    last: u64,
    streams: HashMap<String, Stream>,
}

#[derive(Debug, Default)]
struct Stream {
    next: u64,
    readers: Vec<u64>,
}

impl Floor {
    fn accept(&mut self, listener: &TcpListener, reactor: &Reactor) -> io::Result<()> {
        loop {
            match listener.accept() {
                Ok((stream, _)) => {
                    self.last += 1;
                    self.peers.insert(self.last, Peer::new(stream, reactor, self.last)?);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn serve(&mut self, one: Ready, reactor: &Reactor, buffer: &mut [u8]) -> io::Result<()> {
        let Some(peer) = self.peers.get_mut(&one.token) else { return Ok(()) };
        if one.writable {
            peer.conn.flush(reactor)?;
        }
        if !one.readable {
            return Ok(());
        }
        let Some(count) = peer.conn.read(buffer)? else { return Ok(()) };
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        for request in peer.requests(&buffer[..count])? {
            self.answer(one.token, &request, reactor)?;
        }
        Ok(())
    }

    fn answer(&mut self, token: u64, request: &Request, reactor: &Reactor) -> io::Result<()> {
        if let Some(path) = request.start.strip_prefix("GET /realtime/") {
            self.streams.entry(path.to_owned()).or_default().readers.push(token);
            let Some(peer) = self.peers.get_mut(&token) else { return Ok(()) };
            peer.follows = Some(path.to_owned());
            return peer.conn.send(reactor, FOLLOWED);
        }
        let append = request.start.strip_prefix("POST /realtime/");
        let answer = match append.and_then(|path| path.strip_suffix("/append")) {
            Some(path) => format!("{{\"ok\":true,\"seq\":{}}}", self.push(path, request, reactor)),
            None => "{}".to_owned(),
        };
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{answer}",
            answer.len()
        );
        let Some(peer) = self.peers.get_mut(&token) else { return Ok(()) };
        peer.conn.send(reactor, answer.as_bytes())
    }

    /// To all readers; the record's number.
    fn push(&mut self, path: &str, request: &Request, reactor: &Reactor) -> u64 {
        if !self.streams.contains_key(path) {
            self.streams.insert(path.to_owned(), Stream::default());
        }
        let Some(stream) = self.streams.get_mut(path) else { return 0 };
        let seq = stream.next;
        stream.next += 1;
        let event = encode(seq, &request.body);
        for reader in &stream.readers {
            if let Some(peer) = self.peers.get_mut(reader) {
                // A broken reader is noticed when it is read from.
                let _ = peer.conn.send(reactor, &event);
            }
        }
        seq
    }

    fn drop_peer(&mut self, token: u64) {
        let Some(peer) = self.peers.remove(&token) else { return };
        if let Some(stream) = peer.follows.and_then(|path| self.streams.get_mut(&path)) {
            stream.readers.retain(|reader| *reader != token);
        }
    }
}

/// One event in one HTTP chunk, in the shape of the gateway's.
fn encode(seq: u64, body: &[u8]) -> Vec<u8> {
    let mut event = Vec::with_capacity(body.len() * 2 + 160);
    let written = write!(
        event,
        "id: {seq},1,1\nevent: batch\ndata: {{\"records\":[{{\"seq_num\":{seq},\"timestamp\":1,\
         \"body\":\""
    );
    written.expect("a Vec takes every write");
    for byte in body {
        if matches!(byte, b'"' | b'\\') {
            event.push(b'\\');
        }
        event.push(*byte);
    }
    let written = write!(
        event,
        "\",\"headers\":[]}}],\"tail\":{{\"seq_num\":{},\"timestamp\":1}}}}\n\n",
        seq + 1
    );
    written.expect("a Vec takes every write");
    let mut chunk = format!("{:x}\r\n", event.len()).into_bytes();
    chunk.append(&mut event);
    chunk.extend_from_slice(b"\r\n");
    chunk
}
