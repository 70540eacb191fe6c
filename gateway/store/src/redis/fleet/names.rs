//! Keys and channels of the fleet, all in one slot.

/// Hash: when each gateway was alive last, and its version of its roster.
pub(super) const MEMBERS: &str = "tg:{fleet}:members";
/// Hash: rosters.
pub(super) const ROSTERS: &str = "tg:{fleet}:rosters";
/// Channel that says that members or rosters changed.
pub(super) const NEWS: &str = "tg:{fleet}:news";
/// What the names of channels for messages start with; a gateway's name follows.
pub(super) const TO: &str = "tg:{fleet}:to:";

/// The channel for messages to `node`.
pub(super) fn channel_to(node: &str) -> String {
    format!("{TO}{node}")
}
