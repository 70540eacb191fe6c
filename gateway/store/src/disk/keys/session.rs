//! The head of a session: its number, fence, hand-overs and lease.

use tidegate_protocol::ids::SessionKey;

use super::kind;
use super::parts::{Builder, Parts};

/// Key of the head of a session: its number, fence, hand-overs and lease.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SessionHeadKey(pub(crate) SessionKey);

impl SessionHeadKey {
    pub(crate) fn encode(&self) -> Vec<u8> {
        Builder::new(kind::SESSION).text(self.0.as_str()).done()
    }

    pub(crate) fn decode(key: &[u8]) -> Option<Self> {
        SessionKey::from_stored(Parts::new(kind::SESSION, key)?.text()?).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trips_and_sorts(a in "[a-z]{1,3}/.{1,9}", b in "[a-z]{1,3}/.{1,9}") {
            let key = |text: &str| SessionHeadKey(SessionKey::from_stored(text).expect("a slash"));
            let (a, b) = (key(&a), key(&b));
            prop_assert_eq!(SessionHeadKey::decode(&a.encode()), Some(a.clone()));
            prop_assert_eq!(a.cmp(&b), a.encode().cmp(&b.encode()));
        }
    }
}
