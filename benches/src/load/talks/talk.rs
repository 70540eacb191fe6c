//! One user of one session.

use std::io;
use std::time::{Duration, Instant};

use memchr::memmem;

use crate::load::appender::Appender;
use crate::load::check::Check;
use crate::load::follower::Follower;
use crate::net::{Marker, Reactor, Scanner};

/// See the module.
#[derive(Debug)]
pub(super) struct Talk {
    name: String,
    number: u32,
    pub(super) appender: Appender,
    follower: Follower,
    turns: u32,
    /// When the running turn's message was sent.
    asked: Instant,
    /// A delta of the running turn came.
    begun: bool,
    /// The words of the running turn.
    pub(super) check: Check,
}

/// What one read of the stream brought.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Read {
    pub(super) first: Option<Duration>,
    pub(super) words: u32,
    pub(super) boundaries: u32,
}

impl Talk {
    /// Of the session called `name`, which is there and empty. Tokens: twice `number`, and the
    /// next.
    pub(super) fn open(
        address: &str,
        name: String,
        reactor: &Reactor,
        number: u32,
    ) -> io::Result<Self> {
        let path = format!("/realtime/v1/sessions/{name}");
        let token = u64::from(number) * 2;
        let follower = Follower::open(address, &format!("{path}/out"), reactor, token + 1)?;
        Ok(Self {
            name,
            number,
            appender: Appender::new(address, &format!("{path}/in"), reactor, token)?,
            follower,
            turns: 0,
            asked: Instant::now(),
            begun: false,
            check: Check::from(1),
        })
    }

    /// Says the next message.
    pub(super) fn ask(&mut self, reactor: &Reactor, text: &str) -> io::Result<()> {
        let (name, turn, session) = (&self.name, self.turns, self.number);
        let body = format!(
            "{{\"kind\":\"message\",\"payload\":{{\"message\":{{\"id\":\"u-{session}-{turn}\",\
             \"role\":\"user\",\"parts\":[{{\"type\":\"text\",\"text\":\"{text}\"}}]}},\
             \"chatId\":\"{name}\",\"trigger\":\"submit-message\"}}}}"
        );
        self.turns += 1;
        self.begun = false;
        self.asked = Instant::now();
        self.appender.send_body(reactor, Marker { session, index: turn }, body.as_bytes())
    }

    /// Reads the stream once.
    pub(super) fn read(&mut self, buffer: &mut [u8], scanner: &Scanner) -> io::Result<Read> {
        let mut read = Read::default();
        let (begun, check, asked) = (&mut self.begun, &mut self.check, self.asked);
        self.follower.read(buffer, scanner, |record| {
            if memmem::find(record.rest, b"text-delta").is_some() {
                if !std::mem::replace(begun, true) {
                    read.first = Some(asked.elapsed());
                }
                read.words += 1;
                if let Some(word) = word(record.rest) {
                    // Other records lie between the words, so only their own order counts.
                    check.see(word.into(), word);
                }
            } else if memmem::find(record.rest, b"turn-complete").is_some() {
                read.boundaries += 1;
            }
        })?;
        if read.boundaries > 0 && !self.begun {
            let text = format!("session {}: a turn ended without an answer", self.name);
            return Err(io::Error::other(text));
        }
        Ok(read)
    }
}

/// The number of the word in a delta.
fn word(rest: &[u8]) -> Option<u32> {
    const PREFIX: &[u8] = b"word-";
    let rest = &rest[memmem::find(rest, PREFIX)? + PREFIX.len()..];
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_through_escapes() {
        let record = br#"7,"body":"{\"type\":\"text-delta\",\"delta\":\"word-12 \"}""#;
        assert_eq!(word(record), Some(12));
        assert_eq!(word(b"7,\"body\":\"\""), None);
    }
}
