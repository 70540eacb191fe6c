//! A committed batch of records.

use super::kind;
use super::parts::{Builder, Parts};

/// Key of a committed batch of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BatchKey {
    /// Number of the stream.
    pub(crate) stream: u64,
    /// Seq of its first record.
    pub(crate) first: u64,
}

impl BatchKey {
    pub(crate) fn encode(self) -> Vec<u8> {
        Builder::new(kind::BATCH).number(self.stream).number(self.first).done()
    }

    pub(crate) fn decode(key: &[u8]) -> Option<Self> {
        let mut parts = Parts::new(kind::BATCH, key)?;
        let key = Self { stream: parts.number()?, first: parts.number()? };
        parts.end().map(|()| key)
    }

    /// What all keys of one stream start with.
    pub(crate) fn prefix(stream: u64) -> Vec<u8> {
        Builder::new(kind::BATCH).number(stream).done()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trips_and_sorts(a: (u64, u64), b: (u64, u64)) {
            let [a, b] = [a, b].map(|(stream, first)| BatchKey { stream, first });
            prop_assert_eq!(BatchKey::decode(&a.encode()), Some(a));
            prop_assert_eq!(a.cmp(&b), a.encode().cmp(&b.encode()));
            prop_assert!(a.encode().starts_with(&BatchKey::prefix(a.stream)));
        }

        #[test]
        fn other_bytes_are_no_key(bytes: Vec<u8>) {
            let is_key = BatchKey::decode(&bytes).is_some();
            prop_assert_eq!(is_key, bytes.len() == 17 && bytes[0] == kind::BATCH);
        }
    }
}
