//! A session's row.

use super::kind;
use super::parts::Builder;

/// Key of a session's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RowKey {
    /// Number of the session.
    pub(crate) session: u64,
}

impl RowKey {
    pub(crate) fn encode(self) -> Vec<u8> {
        Builder::new(kind::ROW).number(self.session).done()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sorts(a: u64, b: u64) {
            let [a, b] = [a, b].map(|session| RowKey { session });
            prop_assert_eq!(a.cmp(&b), a.encode().cmp(&b.encode()));
        }
    }
}
