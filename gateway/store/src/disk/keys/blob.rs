//! A blob of a session.

use super::kind;
use super::parts::{Builder, Parts};

/// Key of a blob; those of one session sort by the bytes of their names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BlobKey {
    /// Number of the session.
    pub(crate) session: u64,
    /// Name of the blob.
    pub(crate) name: String,
}

impl BlobKey {
    pub(crate) fn encode(&self) -> Vec<u8> {
        Self::prefix(self.session, &self.name)
    }

    pub(crate) fn decode(key: &[u8]) -> Option<Self> {
        let mut parts = Parts::new(kind::BLOB, key)?;
        Some(Self { session: parts.number()?, name: parts.text()?.to_owned() })
    }

    /// What the keys of all blobs start with whose names start with `name`.
    pub(crate) fn prefix(session: u64, name: &str) -> Vec<u8> {
        Builder::new(kind::BLOB).number(session).text(name).done()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trips_and_sorts(a: (u64, String), b: (u64, String)) {
            let [a, b] = [a, b].map(|(session, name)| BlobKey { session, name });
            prop_assert_eq!(BlobKey::decode(&a.encode()), Some(a.clone()));
            prop_assert_eq!(a.cmp(&b), a.encode().cmp(&b.encode()));
        }
    }
}
