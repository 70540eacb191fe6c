//! Names of keys: all of a session is in one slot (design §4).

use std::fmt::Write as _;

use tidegate_protocol::ids::{Channel, Direction, SESSION_ID_PREFIX, SessionKey, partition_of};

/// Partitions of an environment.
pub(super) const PARTITIONS: u16 = 256;

/// Where a session's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Home {
    /// What its keys, and those of its partition's indexes, start with.
    pub(super) base: String,
    /// External id, or friendly id.
    pub(super) name: String,
}

impl Home {
    pub(super) fn of(session: &SessionKey) -> Self {
        let name = session.name();
        let partition = embedded_partition(name).unwrap_or_else(|| partition_of(name));
        Self { base: base(session.environment(), partition), name: name.to_owned() }
    }

    /// The index of its partition of this kind.
    pub(super) fn index(&self, kind: &str) -> String {
        format!("{}{kind}", self.base)
    }

    /// The key of one of its channels of this kind.
    pub(super) fn of_channel(&self, kind: &str, channel: &Channel) -> String {
        self.key(&format!("{kind}:{}", channel_name(channel)))
    }

    /// The session's key of this kind.
    pub(super) fn key(&self, kind: &str) -> String {
        format!("{}{kind}:{}", self.base, self.name)
    }
}

/// What the keys of a partition start with.
pub(super) fn base(environment: &str, partition: u8) -> String {
    let mut base = String::from("tg:{");
    for byte in environment.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            base.push(char::from(byte));
        } else {
            let _ = write!(base, "%{byte:02x}");
        }
    }
    let _ = write!(base, ":{partition:02x}}}:");
    base
}

/// The partition that a friendly id names.
pub(super) fn embedded_partition(id: &str) -> Option<u8> {
    let digits = id.strip_prefix(SESSION_ID_PREFIX)?.get(..2)?;
    let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    digits.bytes().all(is_hex).then(|| u8::from_str_radix(digits, 16).ok())?
}

/// A channel as keys, fields and hints name it.
pub(super) fn channel_name(channel: &Channel) -> String {
    match &channel.side {
        None => channel.direction.as_str().to_owned(),
        Some(side) => format!("{side}/{}", channel.direction.as_str()),
    }
}

/// Reads back what [`channel_name`] gave.
pub(super) fn parse_channel(name: &str) -> Option<Channel> {
    match name.rsplit_once('/') {
        None => Some(Channel { side: None, direction: Direction::parse(name)? }),
        Some((side, direction)) => Channel::side(side, Direction::parse(direction)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_in_the_partition_of_its_name() {
        let home = Home::of(&SessionKey::new("dev", "session_0azzz"));
        assert_eq!(home.key("h"), "tg:{dev:0a}:h:session_0azzz");
        let home = Home::of(&SessionKey::new("a}b:{", "{x}"));
        let partition = partition_of("{x}");
        assert_eq!(home.key("h"), format!("tg:{{a%7db%3a%7b:{partition:02x}}}:h:{{x}}"));
    }

    #[test]
    fn channels_round_trip() {
        let side = Channel::side("a.b", Direction::Out).expect("a name");
        for channel in [Channel::IN, Channel::OUT, side] {
            assert_eq!(parse_channel(&channel_name(&channel)), Some(channel));
        }
        for bad in ["", "x", "/in", "a b/in", "a/x"] {
            assert_eq!(parse_channel(bad), None, "{bad:?}");
        }
    }
}
