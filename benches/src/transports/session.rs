//! Frames over WebTransport: a control stream, and one stream for each subscription.

use std::collections::VecDeque;
use std::io;
use std::rc::Rc;

use bytes::Bytes;
use memchr::memchr_iter;
use quinn::{Connection, RecvStream};

use super::Tally;
use super::duplex::Pipe;
use super::extended::{Extended, varint};
use super::subs::Subs;
use super::task::Task;
use crate::net::Events;

/// Type of a unidirectional stream of a session.
const UNIDIRECTIONAL: u64 = 0x54;
const CHUNK_BYTES: usize = 64 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct Session {
    streams: Extended,
    events: Events,
    ready: VecDeque<Bytes>,
    quic: Connection,
    _incoming: Task,
}

impl Session {
    pub(super) async fn open(
        quic: Connection,
        subs: &Rc<Subs>,
        tally: &Rc<Tally>,
    ) -> io::Result<Self> {
        let streams = Extended::open(&quic).await?;
        let incoming = accept(quic.clone(), subs.clone(), tally.clone());
        let _incoming = Task::fallible(tally, incoming);
        let (events, ready) = (Events::lines(), VecDeque::new());
        Ok(Self { streams, events, ready, quic, _incoming })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.quic.close(0_u32.into(), b"");
    }
}

impl Pipe for Session {
    async fn next(&mut self) -> io::Result<Bytes> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Ok(frame);
            }
            let chunk = self.streams.control.1.read_chunk(CHUNK_BYTES, true).await?;
            let chunk = chunk.ok_or_else(|| io::Error::other("the control stream ended"))?;
            let ready = &mut self.ready;
            self.events.feed(&chunk.bytes, |run| {
                ready.extend(frames(run).map(Bytes::copy_from_slice));
            });
        }
    }

    async fn send(&mut self, frames: &[String]) -> io::Result<()> {
        let mut lines = frames.join("\n");
        lines.push('\n');
        Ok(self.streams.control.0.write_all(lines.as_bytes()).await?)
    }
}

/// Takes the streams that the gateway opens.
async fn accept(quic: Connection, subs: Rc<Subs>, tally: Rc<Tally>) -> io::Result<()> {
    // Those of HTTP/3 itself must not be stopped.
    let (mut others, mut reads) = (Vec::new(), Vec::new());
    loop {
        let mut stream = quic.accept_uni().await.map_err(io::Error::other)?;
        if varint(&mut stream).await? == UNIDIRECTIONAL {
            // The session: there is but one.
            varint(&mut stream).await?;
            reads.push(Task::fallible(&tally, read(stream, subs.clone())));
        } else {
            others.push(stream);
        }
    }
}

async fn read(mut stream: RecvStream, subs: Rc<Subs>) -> io::Result<()> {
    let mut events = Events::lines();
    while let Some(chunk) = stream.read_chunk(CHUNK_BYTES, true).await? {
        let mut done = Ok(());
        events.feed(&chunk.bytes, |run| {
            for frame in frames(run) {
                if let Err(error) = subs.handle(frame) {
                    done = Err(error);
                }
            }
        });
        done?;
        // The driver does not see these frames, and has to acknowledge them.
        subs.changed.notify_one();
    }
    Err(io::Error::other("the stream of a subscription ended"))
}

fn frames(run: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    let lines =
        memchr_iter(b'\n', run).map(move |end| &run[std::mem::replace(&mut start, end + 1)..end]);
    lines.filter(|line| !line.is_empty())
}
