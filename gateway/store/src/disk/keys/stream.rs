//! The head of a stream: its number and floors.

use tidegate_protocol::ids::{Channel, Direction};

use super::kind;
use super::parts::{Builder, Parts};

/// Key of the head of a stream. The main channels sort before the side channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamHeadKey {
    /// Number of the session.
    pub(crate) session: u64,
    /// The channel.
    pub(crate) channel: Channel,
}

impl StreamHeadKey {
    pub(crate) fn encode(&self) -> Vec<u8> {
        // Side channel names are never empty, so no text means the session's own pair.
        let direction = match self.channel.direction {
            Direction::In => 0,
            Direction::Out => 1,
        };
        let name = self.channel.side.as_deref().unwrap_or("");
        let key = Builder::new(kind::STREAM).number(self.session);
        key.byte(u8::from(!name.is_empty())).byte(direction).text(name).done()
    }

    pub(crate) fn decode(key: &[u8]) -> Option<Self> {
        let mut parts = Parts::new(kind::STREAM, key)?;
        let session = parts.number()?;
        let is_side = parts.byte()? == 1;
        let direction = match parts.byte()? {
            0 => Direction::In,
            1 => Direction::Out,
            _ => return None,
        };
        let channel = match (parts.text()?, is_side) {
            ("", false) => Channel { side: None, direction },
            (name, true) => Channel::side(name, direction)?,
            _ => return None,
        };
        Some(Self { session, channel })
    }

    /// What the keys of all streams of one session start with.
    pub(crate) fn prefix(session: u64) -> Vec<u8> {
        Builder::new(kind::STREAM).number(session).done()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn round_trips(session: u64, name in "[A-Za-z0-9._-]{0,128}", out: bool) {
            let direction = if out { Direction::Out } else { Direction::In };
            let channel = Channel::side(&name, direction)
                .unwrap_or(Channel { side: None, direction });
            let key = StreamHeadKey { session, channel };
            prop_assert_eq!(StreamHeadKey::decode(&key.encode()), Some(key.clone()));
            prop_assert!(key.encode().starts_with(&StreamHeadKey::prefix(session)));
        }
    }
}
