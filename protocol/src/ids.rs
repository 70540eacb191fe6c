//! Identifiers, parsed once and valid from then on.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::limits::{CHANNEL_NAME_MAX_BYTES, EXTERNAL_ID_MAX_CHARS};

/// Prefix that tells a friendly id from an external id (R-ID-1).
pub const SESSION_ID_PREFIX: &str = "session_";
/// The one name under which a session's row and streams are stored: the environment and the
/// external id, or the friendly id where there is none (R-ID-3).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey(Arc<str>);

impl SessionKey {
    /// `environment` must not contain `/` (the configuration checks that).
    pub fn new(environment: &str, name: &str) -> Self {
        debug_assert!(!environment.contains('/'));
        Self(format!("{environment}/{name}").into())
    }

    /// Reads back what [`SessionKey::as_str`] gave.
    pub fn from_stored(text: &str) -> Option<Self> {
        text.contains('/').then(|| Self(text.into()))
    }

    /// The environment's name.
    pub fn environment(&self) -> &str {
        self.split().0
    }

    /// The external id, or the friendly id.
    pub fn name(&self) -> &str {
        self.split().1
    }

    /// `environment/name`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn split(&self) -> (&str, &str) {
        self.0.split_once('/').expect("a key holds a slash")
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which way records flow, seen from the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// Towards the agent.
    In,
    /// From the agent.
    Out,
}

impl Direction {
    /// `"in"` or `"out"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }

    /// Reads a path segment.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "in" => Some(Self::In),
            "out" => Some(Self::Out),
            _ => None,
        }
    }
}

/// A channel of a session: the main pair, or a named side channel's pair.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Channel {
    /// Name of the side channel; `None` is the session's own pair.
    pub side: Option<Arc<str>>,
    /// Which stream of the pair.
    pub direction: Direction,
}

impl Channel {
    /// The session's `.in`.
    pub const IN: Self = Self { side: None, direction: Direction::In };
    /// The session's `.out`.
    pub const OUT: Self = Self { side: None, direction: Direction::Out };

    /// A side channel; `None` if `name` is not `[A-Za-z0-9._-]{1,128}` (R-CH-1).
    pub fn side(name: &str, direction: Direction) -> Option<Self> {
        let ok = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let fits = (1..=CHANNEL_NAME_MAX_BYTES).contains(&name.len());
        (fits && name.bytes().all(ok)).then(|| Self { side: Some(name.into()), direction })
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.side {
            None => f.write_str(self.direction.as_str()),
            Some(name) => write!(f, "channels/{name}/{}", self.direction.as_str()),
        }
    }
}

/// One stream: a channel of a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId {
    /// The session.
    pub session: SessionKey,
    /// The channel.
    pub channel: Channel,
}

/// Why a name was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Empty after trimming.
    #[error("must not be empty")]
    Empty,
    /// Over [`EXTERNAL_ID_MAX_CHARS`].
    #[error("must be at most {EXTERNAL_ID_MAX_CHARS} characters")]
    TooLong,
    /// Starts with `session_`.
    #[error(
        "must not start with `{SESSION_ID_PREFIX}`, which is reserved for the gateway's own ids"
    )]
    ReservedPrefix,
    /// Contains `:channels:` or ends in `:out`: `read:sessions:x:out` would name two things.
    #[error("must not contain `:channels:` or end in `:out`, which token scopes use")]
    ReservedInfix,
}

/// Checks a caller-made external id and gives it trimmed (R-ID-2).
pub fn parse_external_id(text: &str) -> Result<&str, IdError> {
    let text = text.trim();
    match text {
        "" => Err(IdError::Empty),
        t if t.starts_with(SESSION_ID_PREFIX) => Err(IdError::ReservedPrefix),
        t if t.contains(":channels:") || t.ends_with(":out") => Err(IdError::ReservedInfix),
        t if t.chars().count() > EXTERNAL_ID_MAX_CHARS => Err(IdError::TooLong),
        t => Ok(t),
    }
}

/// Partition of an external id: FNV-1a, folded to 8 bits. Part of the wire contract between
/// gateways that share a store, so it must never change.
pub fn partition_of(name: &str) -> u8 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let folded = hash ^ (hash >> 32);
    let folded = folded ^ (folded >> 16);
    (folded ^ (folded >> 8)) as u8
}

/// A friendly id: `session_`, two hex digits of partition, 22 characters of entropy.
pub fn session_id(partition: u8, entropy: u128) -> String {
    format!("{SESSION_ID_PREFIX}{partition:02x}{}", base36(entropy, 22))
}

/// The friendly id of a session that is created without an external id under an idempotency key:
/// a repeated request finds the session that its first try made (R-CRT-6).
pub fn session_id_for_request(environment: &str, idempotency_key: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(environment.as_bytes());
    hash.update(b"\0");
    hash.update(idempotency_key.as_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let entropy = digest[1..17].iter().fold(0_u128, |all, byte| all << 8 | u128::from(*byte));
    session_id(digest[0], entropy)
}

/// `entropy` in lower-case base 36, `len` digits, most significant digits dropped.
pub fn base36(mut entropy: u128, len: usize) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut text = String::with_capacity(len);
    for _ in 0..len {
        text.push(char::from(DIGITS[(entropy % 36) as usize]));
        entropy /= 36;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn external_ids() {
        assert_eq!(parse_external_id("  chat/1 ä "), Ok("chat/1 ä"));
        assert_eq!(parse_external_id("  "), Err(IdError::Empty));
        assert_eq!(parse_external_id("session_x"), Err(IdError::ReservedPrefix));
        assert_eq!(parse_external_id("a:channels:b"), Err(IdError::ReservedInfix));
        assert_eq!(parse_external_id("victim:out"), Err(IdError::ReservedInfix));
        assert_eq!(parse_external_id("b:c"), Ok("b:c"));
        assert_eq!(parse_external_id(&"ä".repeat(256)).map(str::len), Ok(512));
        assert_eq!(parse_external_id(&"a".repeat(257)), Err(IdError::TooLong));
    }

    #[test]
    fn keys_split_at_the_first_slash() {
        let key = SessionKey::new("dev", "chat/1");
        assert_eq!((key.environment(), key.name()), ("dev", "chat/1"));
    }

    #[test]
    fn side_channel_names() {
        assert!(Channel::side("a.b_c-9", Direction::In).is_some());
        assert!(Channel::side("", Direction::In).is_none());
        assert!(Channel::side("a/b", Direction::In).is_none());
        assert!(Channel::side(&"a".repeat(129), Direction::In).is_none());
    }

    #[test]
    fn partitions_are_pinned() {
        assert_eq!(partition_of(""), 0xe1);
        assert_eq!(partition_of("chat-1"), partition_of("chat-1"));
        assert!(session_id(0xab, 5).starts_with("session_ab5"));
    }
}
