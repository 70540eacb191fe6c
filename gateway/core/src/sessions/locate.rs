//! From a name in a URL to a session (R-ID).

use std::sync::Arc;

use tidegate_protocol::ids::{SESSION_ID_PREFIX, SessionKey};

use super::row::SessionRow;
use crate::error::{self, Result};
use crate::seams::StreamStore;

/// A session as a request names it.
#[derive(Clone, Debug)]
pub struct Located {
    /// Under which its streams are stored, whether or not it has a row yet.
    pub key: SessionKey,
    /// Its row.
    pub row: Option<Arc<SessionRow>>,
    /// As in the URL.
    pub name: String,
}

impl Located {
    /// Every name that a scope may use for it.
    pub fn ids(&self) -> [&str; 3] {
        let row = self.row.as_deref();
        [
            &self.name,
            row.map_or("", |row| &row.id),
            row.and_then(|row| row.external_id.as_deref()).unwrap_or(""),
        ]
    }

    /// The row, or 404.
    pub fn existing(&self) -> Result<&Arc<SessionRow>> {
        self.row.as_ref().ok_or_else(|| error::session_not_found(&self.name))
    }

    /// The row if the session takes input at `now` (Unix ms), or 404 or 409.
    pub fn open(&self, now: u64) -> Result<&Arc<SessionRow>> {
        let row = self.existing()?;
        error::open_or(row, now)?;
        Ok(row)
    }
}

/// As [`locate`], but the row may be out of date: for a commit that expects it.
pub async fn recall(store: &dyn StreamStore, environment: &str, name: &str) -> Result<Located> {
    let key = key_of(store, environment, name).await?;
    let row = store.recall(&key).await.map_err(error::store)?;
    Ok(Located { key, row, name: name.to_owned() })
}

/// Finds the session called `name` (either id form). A friendly id that is unknown has no stream:
/// its key leads nowhere, and `row` is `None`.
pub async fn locate(store: &dyn StreamStore, environment: &str, name: &str) -> Result<Located> {
    let key = key_of(store, environment, name).await?;
    let row = store.session(&key).await.map_err(error::store)?;
    Ok(Located { key, row, name: name.to_owned() })
}

async fn key_of(store: &dyn StreamStore, environment: &str, name: &str) -> Result<SessionKey> {
    let key = if name.starts_with(SESSION_ID_PREFIX) {
        store.resolve(environment, name).await.map_err(error::store)?
    } else {
        None
    };
    Ok(key.unwrap_or_else(|| SessionKey::new(environment, name)))
}
