//! Keys and channels of the fleet, all in one slot, and how long a gateway may be silent.

use std::time::Duration;

/// Hash: when each gateway was alive last, and its version of its roster.
pub(super) const MEMBERS: &str = "tg:{fleet}:members";
/// Hash: rosters.
pub(super) const ROSTERS: &str = "tg:{fleet}:rosters";
/// Channel that says that members or rosters changed.
pub(super) const NEWS: &str = "tg:{fleet}:news";
/// What the names of channels for messages start with; a gateway's name follows.
pub(super) const TO: &str = "tg:{fleet}:to:";

/// How often a gateway says that it is alive.
pub(super) const BEAT: Duration = Duration::from_millis(150);
/// A gateway that is silent for longer is gone.
pub(in super::super) const GONE_MS: u64 = 2_000;
/// One that is silent for longer is gone if it does not listen for messages either.
pub(in super::super) const SILENT_MS: u64 = 300;
/// The list of members goes with the last of them.
pub(in super::super) const MEMBERS_KEPT_MS: u64 = 60_000;

/// The channel for messages to `node`.
pub(super) fn channel_to(node: &str) -> String {
    format!("{TO}{node}")
}
