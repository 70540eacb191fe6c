//! What became of an input.

use super::kind;
use super::parts::{Builder, Parts};

/// Key of what became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FateKey {
    /// Number of the session.
    pub(crate) session: u64,
    /// `.in` seq.
    pub(crate) seq: u64,
}

impl FateKey {
    pub(crate) fn encode(self) -> Vec<u8> {
        Builder::new(kind::FATE).number(self.session).number(self.seq).done()
    }

    pub(crate) fn decode(key: &[u8]) -> Option<Self> {
        let mut parts = Parts::new(kind::FATE, key)?;
        let key = Self { session: parts.number()?, seq: parts.number()? };
        parts.end().map(|()| key)
    }

    /// What all keys of one session start with.
    pub(crate) fn prefix(session: u64) -> Vec<u8> {
        Builder::new(kind::FATE).number(session).done()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trips_and_sorts(a: (u64, u64), b: (u64, u64)) {
            let [a, b] = [a, b].map(|(session, seq)| FateKey { session, seq });
            prop_assert_eq!(FateKey::decode(&a.encode()), Some(a));
            prop_assert_eq!(a.cmp(&b), a.encode().cmp(&b.encode()));
            prop_assert!(a.encode().starts_with(&FateKey::prefix(a.session)));
        }

        #[test]
        fn other_bytes_are_no_key(bytes: Vec<u8>) {
            let is_key = FateKey::decode(&bytes).is_some();
            prop_assert_eq!(is_key, bytes.len() == 17 && bytes[0] == kind::FATE);
        }
    }
}
