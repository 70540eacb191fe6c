//! Facts about the whole store.

use super::kind;

/// Version of the stored format; read before anything else.
pub(crate) const FORMAT: [u8; 2] = [kind::META, 0];
/// The number that the next session or stream gets.
pub(crate) const NEXT_NUMBER: [u8; 2] = [kind::META, 1];
/// The mark of the newest group: it sorts before all other keys that a group writes, so it is the
/// first entry of the group in the journal.
pub(crate) const GROUP_MARK: [u8; 1] = [kind::META];
