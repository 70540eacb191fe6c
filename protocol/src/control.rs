//! Control records: what the gateway and agents say on `.out` besides chunks (R-CTL).

use crate::record::{NewRecord, Record};

/// Header that makes a record a control record; its value names the kind.
pub const CONTROL: &str = "trigger-control";
/// End of a turn (I3).
pub const TURN_COMPLETE: &str = "turn-complete";
/// The run hands over to a newer version; the stream goes on.
pub const UPGRADE_REQUIRED: &str = "upgrade-required";
/// The successor's version is not deployed yet.
pub const PENDING_VERSION: &str = "pending-version";
/// The session takes no more input.
pub const SESSION_CLOSED: &str = "session-closed";
/// A kind that clients do not know and skip, so it resets their silence timers (trap 5).
pub const KEEP_ALIVE: &str = "keep-alive";

/// On a boundary: the `.in` seq that a successor may resume after (the floor).
pub const IN_EVENT_ID: &str = "session-in-event-id";
/// On a boundary: the highest `.in` seq that was seen (the high-water).
pub const IN_CONSUMED_ID: &str = "session-in-consumed-id";
/// On a boundary, put there at delivery and never stored (I1, readers get a view).
pub const ACCESS_TOKEN: &str = "public-access-token";
/// On a boundary: `"true"` if the session closed with this turn.
pub const CLOSED: &str = "session-closed";
/// Beside [`CLOSED`] and on [`SESSION_CLOSED`] records.
pub const CLOSED_REASON: &str = "session-closed-reason";

/// On `.in`: which class of credential appended the record (`secret` or `public`), since an idle
/// stop is answered only when it came with a secret key (I3).
pub const CREDENTIAL: &str = "tidegate-credential";

/// On `.in`: the history that an AI SDK client holds, as JSON (see `input::HistoryEdit`).
pub const HISTORY: &str = "tidegate-history";
/// On `.in`: the record with which the gateway closes the session, and why.
pub const CLOSE: &str = "tidegate-close";

/// The control kind of a record.
pub fn kind(record: &Record) -> Option<&str> {
    record.header(CONTROL)
}

/// Is this the end of a turn?
pub fn is_boundary(record: &Record) -> bool {
    kind(record) == Some(TURN_COMPLETE)
}

/// Will this be the end of a turn?
pub fn is_new_boundary(record: &NewRecord) -> bool {
    record.header(CONTROL) == Some(TURN_COMPLETE)
}

/// A control record of `kind` with sibling headers.
pub fn record(kind: &str, siblings: Vec<(String, String)>) -> NewRecord {
    let mut headers = Vec::with_capacity(siblings.len() + 1);
    headers.push((CONTROL.to_owned(), kind.to_owned()));
    headers.extend(siblings);
    NewRecord { headers, body: bytes::Bytes::new() }
}

/// A boundary. `floor` and `high_water` are `.in` seqs; `None` where nothing was read from `.in`.
pub fn boundary(floor: Option<u64>, high_water: Option<u64>, closed: Option<&str>) -> NewRecord {
    let mut siblings = Vec::with_capacity(4);
    if let Some(floor) = floor {
        siblings.push((IN_EVENT_ID.to_owned(), floor.to_string()));
    }
    if let Some(high_water) = high_water {
        siblings.push((IN_CONSUMED_ID.to_owned(), high_water.to_string()));
    }
    if let Some(reason) = closed {
        siblings.push((CLOSED.to_owned(), "true".to_owned()));
        siblings.push((CLOSED_REASON.to_owned(), reason.to_owned()));
    }
    record(TURN_COMPLETE, siblings)
}

/// The record that tells readers that the session takes no more input.
pub fn session_closed(reason: Option<&str>) -> NewRecord {
    let siblings = reason.map(|r| (CLOSED_REASON.to_owned(), r.to_owned()));
    record(SESSION_CLOSED, siblings.into_iter().collect())
}

/// The record that keeps clients' silence timers from firing.
pub fn keep_alive() -> NewRecord {
    record(KEEP_ALIVE, Vec::new())
}
