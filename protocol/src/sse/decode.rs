//! Incremental decoder of an event stream, as the SSE standard reads it: any line ending, a byte
//! order mark, several `data` lines, comments. A `data` line that lies in one pushed chunk is a
//! slice of it, not a copy.

use std::collections::VecDeque;

use bytes::Bytes;

/// One event. An event without a `data` line is never given out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The `event` field; `None` stands for `message`.
    pub event: Option<String>,
    /// The `data` lines joined with LF: the bytes as they were sent, not checked to be UTF-8.
    pub data: Bytes,
    /// The newest `id` field since the event before.
    pub id: Option<String>,
    /// The newest `retry` field since the event before, in milliseconds.
    pub retry: Option<u64>,
}

/// Why a stream can't be read on. Nothing follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// An event, or one line of it, is over the limit.
    #[error("an event of the stream is larger than {limit} bytes")]
    TooLarge {
        /// The limit that [`Decoder::new`] got.
        limit: usize,
    },
}

/// Takes bytes by [`Decoder::push`], gives events as an iterator. `None` means that more bytes are
/// needed, so the iterator is not fused.
#[derive(Debug)]
pub struct Decoder {
    max_event_bytes: usize,
    ready: VecDeque<Result<Event, DecodeError>>,
    /// The start of a line whose end is still to come.
    line: Vec<u8>,
    /// Data and name of the event being read, for its limit.
    held: usize,
    data: Data,
    pending: Event,
    at_start: bool,
    after_cr: bool,
    failed: bool,
}

/// The data of the event being read.
#[derive(Debug, Default)]
enum Data {
    #[default]
    None,
    One(Bytes),
    Many(Vec<u8>),
}

impl Decoder {
    /// A decoder that refuses events of more than `max_event_bytes` (its data, its name and the
    /// line being read).
    pub fn new(max_event_bytes: usize) -> Self {
        Self {
            max_event_bytes,
            ready: VecDeque::new(),
            line: Vec::new(),
            held: 0,
            data: Data::None,
            pending: Event::default(),
            at_start: true,
            after_cr: false,
            failed: false,
        }
    }

    /// Takes the next bytes of the body; the split has no meaning.
    pub fn push(&mut self, bytes: &Bytes) {
        let mut rest = bytes.clone();
        if self.after_cr && !rest.is_empty() {
            self.after_cr = false;
            if rest[0] == b'\n' {
                rest = rest.slice(1..);
            }
        }
        while !self.failed {
            let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.keep(&rest);
                return;
            };
            let line = rest.slice(..end);
            let after = match rest[end..] {
                [b'\r', b'\n', ..] => end + 2,
                _ => end + 1,
            };
            self.after_cr = rest[end] == b'\r' && after == rest.len() && after == end + 1;
            rest = rest.slice(after..);
            self.end_line(line);
        }
    }

    /// The body has ended. An event without its blank line is dropped, as the standard says;
    /// `true` if there was one, so that the caller can tell a cut answer from a whole one.
    pub fn finish(&mut self) -> bool {
        let half_line = !self.line.is_empty() && self.line[0] != b':';
        let cut = half_line || self.held > 0 || !matches!(self.data, Data::None);
        self.line = Vec::new();
        self.data = Data::None;
        self.pending = Event::default();
        self.held = 0;
        cut && !self.failed
    }

    fn keep(&mut self, part: &[u8]) {
        if self.fits(self.line.len() + part.len()) {
            self.line.extend_from_slice(part);
        }
    }

    fn end_line(&mut self, tail: Bytes) {
        if !self.fits(self.line.len() + tail.len()) {
            return;
        }
        let line = if self.line.is_empty() {
            tail
        } else {
            self.line.extend_from_slice(&tail);
            Bytes::from(std::mem::take(&mut self.line))
        };
        let is_first = std::mem::take(&mut self.at_start);
        if is_first && line.starts_with(b"\xef\xbb\xbf") {
            self.read_line(&line.slice(3..));
        } else {
            self.read_line(&line);
        }
    }

    /// Would `line_bytes` more keep the event within its limit? If not, the stream has failed.
    fn fits(&mut self, line_bytes: usize) -> bool {
        if self.held + line_bytes <= self.max_event_bytes {
            return true;
        }
        self.failed = true;
        self.line = Vec::new();
        self.data = Data::None;
        self.ready.push_back(Err(DecodeError::TooLarge { limit: self.max_event_bytes }));
        false
    }

    fn read_line(&mut self, line: &Bytes) {
        if line.is_empty() {
            return self.dispatch();
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let mut start = (colon + 1).min(line.len());
        if line.get(start) == Some(&b' ') {
            start += 1;
        }
        let value = line.slice(start..);
        match &line[..colon] {
            b"data" => self.add_data(value),
            b"event" => {
                self.held -= self.pending.event.as_ref().map_or(0, String::len);
                let name = text(&value);
                self.held += name.len();
                self.pending.event = Some(name);
            }
            b"id" if !value.contains(&0) => self.pending.id = Some(text(&value)),
            b"retry" if value.iter().all(u8::is_ascii_digit) => {
                self.pending.retry = text(&value).parse().ok().or(self.pending.retry);
            }
            _ => {}
        }
    }

    fn add_data(&mut self, value: Bytes) {
        self.held += value.len() + 1;
        self.data = match std::mem::take(&mut self.data) {
            Data::None => Data::One(value),
            Data::One(first) => Data::Many([&first, &b"\n"[..], &value].concat()),
            Data::Many(mut joined) => {
                joined.push(b'\n');
                joined.extend_from_slice(&value);
                Data::Many(joined)
            }
        };
    }

    /// Ends the event. What has no data is dropped, but its `id` and `retry` hold for the stream,
    /// so the next event carries them.
    fn dispatch(&mut self) {
        self.held = 0;
        let name = self.pending.event.take().filter(|name| !name.is_empty());
        let data = match std::mem::take(&mut self.data) {
            Data::None => return,
            Data::One(data) => data,
            Data::Many(joined) => joined.into(),
        };
        let (id, retry) = (self.pending.id.take(), self.pending.retry.take());
        self.ready.push_back(Ok(Event { event: name, data, id, retry }));
    }
}

impl Iterator for Decoder {
    type Item = Result<Event, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.ready.pop_front()
    }
}

fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

#[cfg(test)]
mod tests;
