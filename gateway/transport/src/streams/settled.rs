//! The settled probe (trigger-client §3.6).

use tidegate_core::Gateway;
use tidegate_core::error::{self, Result};
use tidegate_core::seams::store::{ReadLimit, StreamState};
use tidegate_protocol::ids::StreamId;
use tidegate_protocol::limits::READ_PAGE_MAX_BYTES;
use tidegate_protocol::{Record, control};

/// Does the stream end in a boundary, with nothing owed, so that a reader at its tail need not
/// wait?
pub(super) async fn is_settled(
    gateway: &Gateway,
    stream: &StreamId,
    state: &StreamState,
) -> Result<bool> {
    let Some(newest) = newest_shown(gateway, stream, state).await? else { return Ok(false) };
    let ended =
        matches!(control::kind(&newest), Some(control::TURN_COMPLETE | control::SESSION_CLOSED));
    let owed = gateway.store().owed(&stream.session);
    Ok(ended && owed.await.map_err(error::store)?.is_empty())
}

/// The newest record below the tail that is not a store command.
async fn newest_shown(
    gateway: &Gateway,
    stream: &StreamId,
    state: &StreamState,
) -> Result<Option<Record>> {
    let mut end = state.tail;
    while let Some(seq) = end.checked_sub(1).filter(|seq| *seq >= state.retention_floor) {
        let one = ReadLimit { records: 1, bytes: READ_PAGE_MAX_BYTES };
        let mut page = gateway.store().read(stream, seq, one).await.map_err(error::store)?;
        match page.pop() {
            Some(record) if !record.is_command() => return Ok(Some(record)),
            Some(_) => end = seq,
            None => return Ok(None),
        }
    }
    Ok(None)
}
