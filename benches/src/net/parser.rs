//! HTTP/1.1 message framing, incremental, for peers that behave: what is not understood is an
//! error.

use std::borrow::Cow;
use std::io;

use memchr::memmem;

/// A head is refused beyond this many bytes.
const HEAD_MAX_BYTES: usize = 64 * 1024;

/// A part of a message, in the order of the wire.
#[derive(Debug)]
pub enum Piece<'a> {
    /// The start line and headers, with the empty line that ends them.
    Head(&'a [u8]),
    /// Some of the body.
    Body(&'a [u8]),
    /// The message is whole.
    End,
}

/// Cuts a byte stream into messages, requests or responses.
#[derive(Debug, Default)]
pub struct Parser {
    state: State,
    carry: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Head,
    Sized(usize),
    ChunkSize,
    Chunk(usize),
    ChunkEnd,
    Trailer,
}

impl Parser {
    /// Hands every piece in `input` to `sink`.
    pub fn feed(&mut self, mut input: &[u8], mut sink: impl FnMut(Piece<'_>)) -> io::Result<()> {
        while !input.is_empty() {
            self.state = match self.state {
                State::Head => {
                    let Some(head) = until(&mut self.carry, &mut input, b"\r\n\r\n")? else {
                        break;
                    };
                    sink(Piece::Head(&head));
                    match framing(&head)? {
                        State::Sized(0) => end(&mut sink),
                        state => state,
                    }
                }
                State::Sized(left) => match body(left, &mut input, &mut sink) {
                    0 => end(&mut sink),
                    left => State::Sized(left),
                },
                State::ChunkSize => {
                    let Some(line) = until(&mut self.carry, &mut input, b"\r\n")? else { break };
                    match chunk_size(&line)? {
                        0 => State::Trailer,
                        size => State::Chunk(size),
                    }
                }
                State::Chunk(left) => match body(left, &mut input, &mut sink) {
                    0 => State::ChunkEnd,
                    left => State::Chunk(left),
                },
                State::ChunkEnd => {
                    let Some(_) = until(&mut self.carry, &mut input, b"\r\n")? else { break };
                    State::ChunkSize
                }
                State::Trailer => {
                    let Some(line) = until(&mut self.carry, &mut input, b"\r\n")? else { break };
                    if line.len() == 2 { end(&mut sink) } else { State::Trailer }
                }
            };
        }
        Ok(())
    }
}

/// Status of a response's head.
pub fn status(head: &[u8]) -> u16 {
    let digits = head.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// The value of `content-length`.
pub fn content_length(head: &[u8]) -> Option<usize> {
    std::str::from_utf8(header(head, b"content-length")?).ok()?.parse().ok()
}

fn end(sink: &mut impl FnMut(Piece<'_>)) -> State {
    sink(Piece::End);
    State::Head
}

fn body(left: usize, input: &mut &[u8], sink: &mut impl FnMut(Piece<'_>)) -> usize {
    let (now, rest) = input.split_at(left.min(input.len()));
    *input = rest;
    sink(Piece::Body(now));
    left - now.len()
}

/// What `input` holds up to and with `mark`, joined with what came before.
fn until<'a>(
    carry: &mut Vec<u8>,
    input: &mut &'a [u8],
    mark: &[u8],
) -> io::Result<Option<Cow<'a, [u8]>>> {
    if carry.is_empty()
        && let Some(at) = memmem::find(input, mark)
    {
        let (found, rest) = input.split_at(at + mark.len());
        *input = rest;
        return Ok(Some(Cow::Borrowed(found)));
    }
    for (at, byte) in input.iter().enumerate() {
        carry.push(*byte);
        if carry.ends_with(mark) {
            *input = &input[at + 1..];
            return Ok(Some(Cow::Owned(std::mem::take(carry))));
        }
    }
    *input = &[];
    if carry.len() > HEAD_MAX_BYTES {
        return Err(io::Error::other("a head without an end"));
    }
    Ok(None)
}

fn framing(head: &[u8]) -> io::Result<State> {
    if header(head, b"transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case(b"chunked")) {
        return Ok(State::ChunkSize);
    }
    if let Some(length) = content_length(head) {
        return Ok(State::Sized(length));
    }
    let is_response = head.starts_with(b"HTTP/");
    if is_response && status(head) != 204 {
        return Err(io::Error::other("a response that ends with its connection"));
    }
    Ok(State::Sized(0))
}

fn header<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    head.split(|byte| *byte == b'\n').skip(1).find_map(|line| {
        let (key, value) = line.split_at_checked(name.len())?;
        let value = key.eq_ignore_ascii_case(name).then_some(value)?.strip_prefix(b":")?;
        Some(value.trim_ascii())
    })
}

fn chunk_size(line: &[u8]) -> io::Result<usize> {
    let digits = line.split(|byte| matches!(byte, b';' | b'\r')).next().unwrap_or_default();
    let digits = std::str::from_utf8(digits).unwrap_or_default();
    usize::from_str_radix(digits.trim(), 16)
        .map_err(|_| io::Error::other(format!("a chunk of size {digits:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIRE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 204 No\r\n\r\n\
        HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
        3\r\nabc\r\n10;x=1\r\n0123456789abcdef\r\n\
        0\r\nx: y\r\n\r\n";

    fn pieces(cut: usize) -> (Vec<u16>, Vec<u8>, usize) {
        let (mut statuses, mut bytes, mut ends) = (Vec::new(), Vec::new(), 0);
        let mut parser = Parser::default();
        for part in [&WIRE[..cut], &WIRE[cut..]] {
            let sink = |piece: Piece<'_>| match piece {
                Piece::Head(head) => statuses.push(status(head)),
                Piece::Body(body) => bytes.extend_from_slice(body),
                Piece::End => ends += 1,
            };
            parser.feed(part, sink).expect("well-formed");
        }
        (statuses, bytes, ends)
    }

    #[test]
    fn every_cut_gives_the_same_messages() {
        for cut in 0..=WIRE.len() {
            let (statuses, bytes, ends) = pieces(cut);
            assert_eq!(statuses, [200, 204, 200], "cut at {cut}");
            assert_eq!(bytes, b"okabc0123456789abcdef", "cut at {cut}");
            assert_eq!(ends, 3, "cut at {cut}");
        }
    }

    #[test]
    fn a_response_without_a_length_is_refused() {
        assert!(Parser::default().feed(b"HTTP/1.1 200 OK\r\n\r\n", |_| ()).is_err());
    }
}
