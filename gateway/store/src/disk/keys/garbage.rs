//! A deleted session whose data has yet to be cleared away.

use super::kind;
use super::parts::{Builder, Parts};

/// Key of a deleted session whose data has yet to be cleared away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GarbageKey {
    /// Number that the session had.
    pub(crate) session: u64,
}

impl GarbageKey {
    pub(crate) fn encode(self) -> Vec<u8> {
        Builder::new(kind::GARBAGE).number(self.session).done()
    }

    pub(crate) fn decode(key: &[u8]) -> Option<Self> {
        let mut parts = Parts::new(kind::GARBAGE, key)?;
        let key = Self { session: parts.number()? };
        parts.end().map(|()| key)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trips_and_sorts(a: u64, b: u64) {
            let [a, b] = [a, b].map(|session| GarbageKey { session });
            prop_assert_eq!(GarbageKey::decode(&a.encode()), Some(a));
            prop_assert_eq!(a.cmp(&b), a.encode().cmp(&b.encode()));
        }
    }
}
