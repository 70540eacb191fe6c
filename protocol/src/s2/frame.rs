//! Frames of an append session (`s2s/proto`).

use bytes::{Buf, Bytes, BytesMut};

use crate::limits::S2_FRAME_MAX_BYTES;

/// Bytes that tell how long a frame is.
const LENGTH_BYTES: usize = 3;
const TERMINAL: u8 = 0x80;
const COMPRESSION: u8 = 0x60;

/// Why a client's frame is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than [`S2_FRAME_MAX_BYTES`].
    #[error("a frame of {0} bytes is over the limit of {S2_FRAME_MAX_BYTES}")]
    TooLarge(usize),
    /// Without flags.
    #[error("a frame has no byte of flags")]
    Empty,
    /// Only the gateway ends a session with a frame.
    #[error("a client ends its body, it sends no terminal frame")]
    Terminal,
    /// Compression was not offered.
    #[error("compressed frames are not supported")]
    Compressed,
    /// The body ended within a frame.
    #[error("the body ended within a frame")]
    CutOff,
}

/// Takes a session's body apart. It holds one frame and what came with its end.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: BytesMut,
}

impl Decoder {
    /// More of the body.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The body of the next whole frame; `None` until it is there.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some((length, rest)) = self.buffer.split_at_checked(LENGTH_BYTES) else {
            return Ok(None);
        };
        let length = length.iter().fold(0, |all, byte| all << 8 | usize::from(*byte));
        if length == 0 {
            return Err(FrameError::Empty);
        }
        if length > S2_FRAME_MAX_BYTES {
            return Err(FrameError::TooLarge(length));
        }
        match rest.first() {
            Some(flags) if flags & TERMINAL != 0 => return Err(FrameError::Terminal),
            Some(flags) if flags & COMPRESSION != 0 => return Err(FrameError::Compressed),
            _ => {}
        }
        if rest.len() < length {
            return Ok(None);
        }
        let mut frame = self.buffer.split_to(LENGTH_BYTES + length);
        frame.advance(LENGTH_BYTES + 1);
        Ok(Some(frame.freeze()))
    }

    /// The body ended.
    pub fn finish(&self) -> Result<(), FrameError> {
        if self.buffer.is_empty() { Ok(()) } else { Err(FrameError::CutOff) }
    }
}

/// A frame around `body`, which must fit.
pub fn encode(body: &[u8]) -> Vec<u8> {
    framed(0, &[body])
}

/// The frame that ends a session, with an HTTP status and an error as JSON.
pub fn encode_terminal(status: u16, error: &[u8]) -> Vec<u8> {
    framed(TERMINAL, &[&status.to_be_bytes(), error])
}

fn framed(flags: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = 1 + parts.iter().map(|part| part.len()).sum::<usize>();
    debug_assert!(length <= S2_FRAME_MAX_BYTES);
    let mut out = Vec::with_capacity(LENGTH_BYTES + length);
    out.extend_from_slice(&(length as u32).to_be_bytes()[1..]);
    out.push(flags);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn frames_are_found_wherever_the_body_is_cut(
            bodies in vec(vec(any::<u8>(), 0..50), 0..6), size in 1..40_usize,
        ) {
            let all: Vec<u8> = bodies.iter().flat_map(|body| encode(body)).collect();
            let mut decoder = Decoder::default();
            let mut found = Vec::new();
            for part in all.chunks(size) {
                decoder.push(part);
                while let Some(frame) = decoder.next_frame().expect("good frames") {
                    found.push(frame.to_vec());
                }
            }
            prop_assert_eq!(found, bodies);
            prop_assert_eq!(decoder.finish(), Ok(()));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in vec(any::<u8>(), 0..200)) {
            let mut decoder = Decoder::default();
            decoder.push(&bytes);
            while let Ok(Some(_)) = decoder.next_frame() {}
            let _ = decoder.finish();
        }
    }

    #[test]
    fn what_a_client_must_not_send() {
        let error = |bytes: &[u8]| {
            let mut decoder = Decoder::default();
            decoder.push(bytes);
            decoder.next_frame()
        };
        assert_eq!(error(&[0, 0, 0]), Err(FrameError::Empty));
        assert_eq!(error(&[0xff, 0, 0]), Err(FrameError::TooLarge(0xff_0000)));
        assert_eq!(error(&[0x20, 0, 1]), Err(FrameError::TooLarge(0x20_0001)));
        assert_eq!(error(&[0x20, 0, 0, 0]), Ok(None));
        assert_eq!(error(&[0, 0, 3, 0x80, 1, 2]), Err(FrameError::Terminal));
        assert_eq!(error(&[0, 0, 2, 0x20, 1]), Err(FrameError::Compressed));
        let mut decoder = Decoder::default();
        decoder.push(&[0, 0, 9, 0, 1]);
        assert_eq!(decoder.next_frame(), Ok(None));
        assert_eq!(decoder.finish(), Err(FrameError::CutOff));
    }

    #[test]
    fn terminal_frames_carry_a_status() {
        assert_eq!(encode_terminal(413, b"{}"), [0, 0, 5, 0x80, 0x01, 0x9d, b'{', b'}']);
    }
}
