//! Sessions that end at some time.

use tidegate_protocol::ids::SessionKey;

use super::kind;
use super::parts::{Builder, Parts};

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// It was closed.
    Closed,
    /// It was not closed and expires.
    Expires,
}

/// Key of a session that ends; those of one cause sort by time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DueKey {
    /// Why.
    pub(crate) cause: Cause,
    /// When, Unix ms.
    pub(crate) at: u64,
    /// The session.
    pub(crate) session: SessionKey,
}

impl DueKey {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut key = Self::start(self.cause, self.at);
        key.extend_from_slice(self.session.as_str().as_bytes());
        key
    }

    pub(crate) fn decode(key: &[u8]) -> Option<Self> {
        let mut parts = Parts::new(kind::DUE, key)?;
        let cause = match parts.byte()? {
            0 => Cause::Closed,
            1 => Cause::Expires,
            _ => return None,
        };
        let at = parts.number()?;
        Some(Self { cause, at, session: SessionKey::from_stored(parts.text()?)? })
    }

    /// The first key of `cause` that is not before `at`.
    pub(crate) fn start(cause: Cause, at: u64) -> Vec<u8> {
        let cause = match cause {
            Cause::Closed => 0,
            Cause::Expires => 1,
        };
        Builder::new(kind::DUE).byte(cause).number(at).done()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trips_and_sorts(a: (bool, u64, String), b: (bool, u64, String)) {
            let [a, b] = [a, b].map(|(closed, at, name)| DueKey {
                cause: if closed { Cause::Closed } else { Cause::Expires },
                at,
                session: SessionKey::new("dev", &name),
            });
            prop_assert_eq!(DueKey::decode(&a.encode()), Some(a.clone()));
            prop_assert_eq!(a.cmp(&b), a.encode().cmp(&b.encode()));
        }
    }
}
