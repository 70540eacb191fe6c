//! Numbers in as few bytes as they need (LEB128), and byte strings led by their length.

use bytes::{Buf, Bytes};

/// Appends `value`.
pub(crate) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends `bytes`, led by their length.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Takes a number off the front; `None` if there is none.
pub(crate) fn take(from: &mut Bytes) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = from.first().copied()?;
        from.advance(1);
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// Takes a byte string off the front, without a copy.
pub(crate) fn take_bytes(from: &mut Bytes) -> Option<Bytes> {
    let len = usize::try_from(take(from)?).ok()?;
    (len <= from.len()).then(|| from.split_to(len))
}

/// Takes a text off the front.
pub(crate) fn take_text(from: &mut Bytes) -> Option<String> {
    let bytes = take_bytes(from)?;
    std::str::from_utf8(&bytes).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trips(value: u64, text: String) {
            let mut out = Vec::new();
            put(&mut out, value);
            put_bytes(&mut out, text.as_bytes());
            let mut bytes = Bytes::from(out);
            prop_assert_eq!(take(&mut bytes), Some(value));
            prop_assert_eq!(take_text(&mut bytes), Some(text));
            prop_assert!(bytes.is_empty());
        }

        #[test]
        fn garbage_does_not_panic(garbage: Vec<u8>) {
            let mut bytes = Bytes::from(garbage);
            while take_bytes(&mut bytes).is_some() {}
        }
    }
}
