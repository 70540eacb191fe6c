//! Where the answer to an input begins on `.out`.
//!
//! Turns are answered in the order of their inputs, and a boundary becomes visible together with
//! the fate of its input. So nothing is guessed from timing: as long as an earlier input that asks
//! for a turn is owed, another turn is in front.

use tidegate_core::Gateway;
use tidegate_core::error::{self, Result};
use tidegate_core::seams::store::ReadLimit;
use tidegate_protocol::Record;
use tidegate_protocol::control;
use tidegate_protocol::ids::{Channel, SessionKey, StreamId};
use tidegate_protocol::input::Input;
use tidegate_protocol::limits::{READ_PAGE_MAX_BYTES, RECORDS_PAGE_MAX};

const PAGE: ReadLimit = ReadLimit { records: RECORDS_PAGE_MAX, bytes: READ_PAGE_MAX_BYTES };

/// The `.out` seq from which the answer to input `seq` is read, no earlier than `from`; `None`
/// while another turn is in front of it.
pub(super) async fn start_of(
    gateway: &Gateway,
    session: &SessionKey,
    seq: u64,
    from: u64,
) -> Result<Option<u64>> {
    if is_behind_another(gateway, session, seq).await? {
        return Ok(None);
    }
    // The turns before it are done, so their boundaries are in the log already.
    let stream = StreamId { session: session.clone(), channel: Channel::OUT };
    let (mut start, mut next) = (from, from);
    loop {
        let page = gateway.store().read(&stream, next, PAGE).await.map_err(error::store)?;
        let Some(last) = page.last() else { return Ok(Some(start)) };
        next = last.seq_num + 1;
        for record in page.iter().filter(|record| control::is_boundary(record)) {
            if answers(record, seq) {
                return Ok(Some(start));
            }
            start = record.seq_num + 1;
        }
    }
}

/// Does this boundary end the turn of input `seq`? One that does not say what it answers comes
/// from a turn that no input asked for.
pub(super) fn answers(boundary: &Record, seq: u64) -> bool {
    let upto = boundary.header(control::IN_EVENT_ID).and_then(|text| text.parse::<u64>().ok());
    upto.is_some_and(|upto| upto >= seq)
}

async fn is_behind_another(gateway: &Gateway, session: &SessionKey, seq: u64) -> Result<bool> {
    let owed = gateway.store().owed(session).await.map_err(error::store)?;
    let stream = StreamId { session: session.clone(), channel: Channel::IN };
    for earlier in owed.into_iter().take_while(|owed| *owed < seq) {
        let one = ReadLimit { records: 1, bytes: READ_PAGE_MAX_BYTES };
        let found = gateway.store().read(&stream, earlier, one).await.map_err(error::store)?;
        if found.iter().any(|record| record.seq_num == earlier && Input::of(record).is_owed()) {
            return Ok(true);
        }
    }
    Ok(false)
}
