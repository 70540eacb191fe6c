//! One session: its client, and what the backend wrote for it.

use std::io;
use std::time::Instant;

use memchr::memmem;

use crate::load::appender::Appender;
use crate::load::check::Check;
use crate::load::follower::Follower;
use crate::net::{Control, Marker, Reactor, Scanner};

/// Chat ids are this and a number.
pub(super) const CHAT_PREFIX: &str = "turns-";

/// See the module.
#[derive(Debug)]
pub(super) struct Chat {
    session: u32,
    pub(super) appender: Appender,
    follower: Follower,
    pub(super) check: Check,
    /// When the message of the running turn was sent; `None` once the backend has it.
    pub(super) asked: Option<Instant>,
    /// When each chunk was written, by index.
    pub(super) written: Vec<Instant>,
    pub(super) turns: u32,
    pub(super) boundaries: u32,
}

impl Chat {
    /// Makes the session and follows it. Tokens: `session` appends, `reader` follows.
    pub(super) fn open(
        address: &str,
        control: &mut Control,
        reactor: &Reactor,
        session: u32,
        reader: u64,
    ) -> io::Result<Self> {
        let name = format!("{CHAT_PREFIX}{session}");
        control.create(&name)?;
        let path = format!("/realtime/v1/sessions/{name}");
        Ok(Self {
            session,
            follower: Follower::open(address, &format!("{path}/out"), reactor, reader)?,
            appender: Appender::new(address, &format!("{path}/in"), reactor, session.into())?,
            check: Check::default(),
            asked: None,
            written: Vec::new(),
            turns: 0,
            boundaries: 0,
        })
    }

    /// Sends the next message.
    pub(super) fn ask(&mut self, reactor: &Reactor) -> io::Result<()> {
        let (session, turn) = (self.session, self.turns);
        self.turns += 1;
        let body = format!(
            "{{\"kind\":\"message\",\"payload\":{{\"message\":{{\"id\":\"u-{session}-{turn}\",\
             \"role\":\"user\",\"parts\":[{{\"type\":\"text\",\"text\":\"Tell me more.\"}}]}},\
             \"chatId\":\"{CHAT_PREFIX}{session}\",\"trigger\":\"submit-message\"}}}}"
        );
        self.asked = Some(Instant::now());
        self.appender.send_body(reactor, Marker { session, index: turn }, body.as_bytes())
    }

    /// Reads the stream once. `sink` gets every chunk's index; returns whether a turn ended.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        scanner: &Scanner,
        mut sink: impl FnMut(u32, Instant),
    ) -> io::Result<bool> {
        let before = self.boundaries;
        let (check, boundaries, written) = (&mut self.check, &mut self.boundaries, &self.written);
        self.follower.read(buffer, scanner, |record| match record.marker {
            Some(marker) => {
                // Other records lie between the chunks, so only their own order counts.
                check.see(marker.index.into(), marker.index);
                if let Some(written) = written.get(marker.index as usize) {
                    sink(marker.index, *written);
                }
            }
            None if memmem::find(record.rest, b"turn-complete").is_some() => *boundaries += 1,
            None => {}
        })?;
        Ok(self.boundaries > before)
    }
}
