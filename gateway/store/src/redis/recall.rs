//! Rows and ids that are kept at hand.

use std::sync::Arc;

use parking_lot::Mutex;
use tidegate_core::sessions::row::SessionRow;
use tidegate_protocol::ids::SessionKey;

use super::connect::Served;
use super::kept::Kept;

/// Bytes of rows, about.
const ROWS_MAX_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of a row without its open parts, about; it also bounds the number of rows.
const ROW_BYTES: usize = 1024;
/// Ids remembered.
const IDS_MAX: usize = 100_000;

/// Rows and ids seen last.
#[derive(Debug)]
pub(super) struct Rows {
    /// With who gave each: under another reign its version may be given again.
    rows: Mutex<Kept<SessionKey, (Arc<SessionRow>, Served)>>,
    ids: Mutex<Kept<(String, String), SessionKey>>,
}

impl Rows {
    pub(super) fn new() -> Self {
        Self { rows: Mutex::new(Kept::new(ROWS_MAX_BYTES)), ids: Mutex::new(Kept::new(IDS_MAX)) }
    }

    /// A row, and who gave it.
    pub(super) fn recall(&self, key: &SessionKey) -> Option<(Arc<SessionRow>, Served)> {
        self.rows.lock().get(key)
    }

    pub(super) fn keep(&self, key: &SessionKey, row: Option<&Arc<SessionRow>>, served: &Served) {
        let mut rows = self.rows.lock();
        match row {
            Some(row) => rows.put(key.clone(), (row.clone(), served.clone()), weight(row)),
            None => rows.remove(key),
        }
    }

    pub(super) fn let_go(&self, key: &SessionKey) {
        self.rows.lock().remove(key);
    }

    pub(super) fn resolve(&self, environment: &str, id: &str) -> Option<SessionKey> {
        self.ids.lock().get(&(environment.to_owned(), id.to_owned()))
    }

    pub(super) fn keep_id(&self, environment: &str, id: &str, key: &SessionKey) {
        self.ids.lock().put((environment.to_owned(), id.to_owned()), key.clone(), 1);
    }

    /// The session was deleted.
    pub(super) fn forget(&self, key: &SessionKey) {
        self.let_go(key);
        self.ids.lock().forget(|known| known == key);
    }
}

fn weight(row: &SessionRow) -> usize {
    let open = [Some(&row.trigger_config), row.metadata.as_ref()];
    let open: usize = open.into_iter().flatten().map(|value| value.to_string().len()).sum();
    ROW_BYTES + open
}
