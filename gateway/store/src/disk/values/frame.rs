//! The first answer to a frame, as stored. Its epoch is its session's, its first seq its key's.

use bytes::Bytes;

use super::varint;

/// A frame and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FrameValue {
    /// Unix ms.
    pub(crate) timestamp: u64,
    /// Records written.
    pub(crate) count: u64,
    /// The frame key.
    pub(crate) key: String,
}

impl FrameValue {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.key.len() + 16);
        varint::put(&mut out, self.timestamp);
        varint::put(&mut out, self.count);
        varint::put_bytes(&mut out, self.key.as_bytes());
        out
    }

    pub(crate) fn decode(mut value: Bytes) -> Option<Self> {
        let timestamp = varint::take(&mut value)?;
        let count = varint::take(&mut value)?;
        let key = varint::take_text(&mut value)?;
        value.is_empty().then_some(Self { timestamp, count, key })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trips(timestamp: u64, count: u64, key: String) {
            let value = FrameValue { timestamp, count, key };
            prop_assert_eq!(FrameValue::decode(value.encode().into()), Some(value));
        }
    }
}
