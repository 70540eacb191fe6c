//! Capsules on the stream of a session (RFC 9297 §3.2): of one, its end, something is understood.
//! Pure.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::session::Closed;

/// `CLOSE_WEBTRANSPORT_SESSION`.
const CLOSE: u64 = 0x2843;
/// Longest reason, in bytes.
const REASON_MAX_BYTES: usize = 1_024;
/// Bytes of the code before it.
const CODE_BYTES: usize = 4;

/// Tells the peer that the session is over.
pub(super) fn close(end: &Closed) -> Bytes {
    let reason = &end.reason[..end.reason.floor_char_boundary(REASON_MAX_BYTES)];
    let mut bytes = BytesMut::with_capacity(16 + reason.len());
    put_varint(&mut bytes, CLOSE);
    put_varint(&mut bytes, (CODE_BYTES + reason.len()) as u64);
    bytes.put_u32(end.code);
    bytes.put_slice(reason.as_bytes());
    bytes.freeze()
}

/// Reads capsules.
#[derive(Debug, Default)]
pub(super) struct Capsules {
    held: BytesMut,
    /// Of a capsule that means nothing here, so much is still to come.
    skip: u64,
}

impl Capsules {
    /// Takes more bytes; answers the end of the session if it is in them.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Option<Closed> {
        let skipped = self.skip.min(bytes.len() as u64);
        self.skip -= skipped;
        bytes = &bytes[usize::try_from(skipped).unwrap_or(bytes.len())..];
        self.held.extend_from_slice(bytes);
        loop {
            let mut rest = &self.held[..];
            let (kind, length) = (take_varint(&mut rest)?, take_varint(&mut rest)?);
            let head = self.held.len() - rest.len();
            if kind == CLOSE && length <= (CODE_BYTES + REASON_MAX_BYTES) as u64 {
                let whole = rest.get(..usize::try_from(length).ok()?)?;
                return Some(closed(whole));
            }
            let here = length.min(rest.len() as u64);
            self.skip = length - here;
            self.held.advance(head + usize::try_from(here).unwrap_or(rest.len()));
        }
    }
}

fn closed(mut content: &[u8]) -> Closed {
    let code = content.try_get_u32().unwrap_or_default();
    Closed { code, reason: String::from_utf8_lossy(content).into_owned() }
}

/// A variable-length integer (RFC 9000 §16).
pub(super) fn put_varint(bytes: &mut BytesMut, value: u64) {
    match value {
        ..0x40 => bytes.put_u8(value as u8),
        0x40..0x4000 => bytes.put_u16(value as u16 | 0x4000),
        0x4000..0x4000_0000 => bytes.put_u32(value as u32 | 0x8000_0000),
        _ => bytes.put_u64(value | 0xc000_0000_0000_0000),
    }
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let first = *bytes.first()?;
    let length = 1 << (first >> 6);
    let whole = bytes.get(..length)?;
    let value =
        whole[1..].iter().fold(u64::from(first & 0x3f), |sum, byte| sum << 8 | u64::from(*byte));
    bytes.advance(length);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_read_as_it_was_written_however_it_comes() {
        let end = Closed { code: 4003, reason: "the gateway drains: ä".to_owned() };
        let mut bytes = BytesMut::new();
        // Something unknown before it.
        put_varint(&mut bytes, 0x1_2345);
        put_varint(&mut bytes, 300);
        bytes.put_bytes(7, 300);
        bytes.extend_from_slice(&close(&end));
        for size in 1..=bytes.len() {
            let mut capsules = Capsules::default();
            let mut seen = bytes.chunks(size).filter_map(|piece| capsules.push(piece));
            assert_eq!(seen.next(), Some(end.clone()), "{size}");
        }
    }

    #[test]
    fn what_is_unknown_is_not_held() {
        let mut capsules = Capsules::default();
        let mut bytes = BytesMut::new();
        put_varint(&mut bytes, 0x21);
        put_varint(&mut bytes, 1 << 40);
        assert_eq!(capsules.push(&bytes), None);
        for _ in 0..1_000 {
            assert_eq!(capsules.push(&[0; 1_000]), None);
            assert_eq!(capsules.held.len(), 0);
        }
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let end = Closed { code: 1, reason: "ä".repeat(600) };
        assert_eq!(close(&end).len(), 4 + 4 + 1_024);
        let seen = Capsules::default().push(&close(&end)).expect("an end");
        assert_eq!(seen.reason, "ä".repeat(512));
    }

    #[test]
    fn integers_of_every_length() {
        for value in [0, 0x3f, 0x40, 0x3fff, 0x4000, 0x3fff_ffff, 0x4000_0000, (1 << 62) - 1] {
            let mut bytes = BytesMut::new();
            put_varint(&mut bytes, value);
            assert_eq!(take_varint(&mut &bytes[..]), Some(value));
            assert_eq!(take_varint(&mut &bytes[..bytes.len() - 1]), None);
        }
    }
}
