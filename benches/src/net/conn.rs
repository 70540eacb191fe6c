//! One non-blocking connection.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use super::{Parser, Reactor};

/// Bytes of the read buffer that all connections share.
pub const READ_BYTES: usize = 64 * 1024;

/// A socket, what it still has to write, and the framing of what it reads.
#[derive(Debug)]
pub struct Conn {
    /// The socket.
    pub stream: TcpStream,
    /// Framing of what comes in.
    pub parser: Parser,
    token: u64,
    unsent: Vec<u8>,
}

impl Conn {
    /// Takes over a connected socket and watches it.
    pub fn new(stream: TcpStream, reactor: &Reactor, token: u64) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        reactor.add(&stream, token)?;
        Ok(Self { stream, parser: Parser::default(), token, unsent: Vec::new() })
    }

    /// Connects to `address` and watches the socket.
    pub fn connect(address: &str, reactor: &Reactor, token: u64) -> io::Result<Self> {
        Self::new(TcpStream::connect(address)?, reactor, token)
    }

    /// Writes now what the socket takes, and the rest when it can.
    pub fn send(&mut self, reactor: &Reactor, bytes: &[u8]) -> io::Result<()> {
        if !self.unsent.is_empty() {
            self.unsent.extend_from_slice(bytes);
            return Ok(());
        }
        let written = attempt(self.stream.write(bytes))?.unwrap_or(0);
        if written < bytes.len() {
            self.unsent.extend_from_slice(&bytes[written..]);
            reactor.watch_writable(&self.stream, self.token, true)?;
        }
        Ok(())
    }

    /// The socket takes bytes again.
    pub fn flush(&mut self, reactor: &Reactor) -> io::Result<()> {
        let written = attempt(self.stream.write(&self.unsent))?.unwrap_or(0);
        self.unsent.drain(..written);
        if self.unsent.is_empty() {
            reactor.watch_writable(&self.stream, self.token, false)?;
        }
        Ok(())
    }

    /// Reads once; `None` if there is nothing yet, 0 at the end.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        attempt(self.stream.read(buffer))
    }
}

fn attempt(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(count) => Ok(Some(count)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
