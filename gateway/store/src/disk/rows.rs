//! Session rows and the indexes that find them.

use std::sync::Arc;

use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::ids::SessionKey;

use super::keys::due::{Cause, DueKey};
use super::keys::id::id_key;
use super::keys::listing::listing_key;
use super::keys::row::RowKey;
use super::load::to_json;
use super::overlay::Overlay;
use super::work::Work;
use crate::listing::place::Place;
use crate::rules::check::next_version;

/// Writes the row of the session `number` in place of version `expected`.
pub(super) fn put(
    overlay: &mut Overlay<'_>,
    work: &mut Work,
    key: &SessionKey,
    number: u64,
    expected: Option<u64>,
    mut row: SessionRow,
) {
    if let Some(old) = work.row.take() {
        unindex(overlay, key, &old);
    }
    row.version = next_version(expected);
    work.state.row_version = Some(row.version);
    overlay.put(RowKey { session: number }.encode(), to_json(&row));
    let environment = key.environment();
    overlay.put(id_key(environment, &row.id), key.as_str().as_bytes().to_vec());
    let listing = listing_key(environment, &Place::of(&row));
    overlay.put(listing, number.to_be_bytes().to_vec());
    if let Some(due) = due_key(key, &row) {
        overlay.put(due.encode(), Vec::new());
    }
    work.row = Some(Arc::new(row));
}

/// Removes the row of the session `number`.
pub(super) fn remove(overlay: &mut Overlay<'_>, work: &Work, key: &SessionKey, number: u64) {
    if let Some(old) = &work.row {
        unindex(overlay, key, old);
        overlay.remove(RowKey { session: number }.encode());
    }
}

fn unindex(overlay: &mut Overlay<'_>, key: &SessionKey, row: &SessionRow) {
    let environment = key.environment();
    overlay.remove(id_key(environment, &row.id));
    overlay.remove(listing_key(environment, &Place::of(row)));
    if let Some(due) = due_key(key, row) {
        overlay.remove(due.encode());
    }
}

fn due_key(key: &SessionKey, row: &SessionRow) -> Option<DueKey> {
    let (cause, at) = match (row.closed_at, row.expires_at) {
        (Some(at), _) => (Cause::Closed, at),
        (None, Some(at)) => (Cause::Expires, at),
        (None, None) => return None,
    };
    Some(DueKey { cause, at, session: key.clone() })
}
