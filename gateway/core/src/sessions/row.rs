//! A session's row, as stores keep it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::seams::backend::Origin;
use crate::seams::store::Status;

/// The durable row of a session. Field names are the stored form; times are Unix ms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionRow {
    /// Friendly id, `session_…`.
    pub id: String,
    /// The caller's own id.
    pub external_id: Option<String>,
    /// Environment name.
    pub environment: String,
    /// Free text, `chat.agent` for chats.
    #[serde(rename = "type")]
    pub kind: String,
    /// The agent (`taskIdentifier` on the wire).
    pub agent: String,
    /// As the caller sent it.
    pub trigger_config: Value,
    /// At most `TAGS_MAX`.
    pub tags: Vec<String>,
    /// An object, or nothing.
    pub metadata: Option<Value>,
    /// The run that serves the session.
    pub run_id: String,
    /// When it was closed.
    pub closed_at: Option<u64>,
    /// Why it was closed.
    pub closed_reason: Option<String>,
    /// When it stops taking input.
    pub expires_at: Option<u64>,
    /// When it was made.
    pub created_at: u64,
    /// When the row last changed.
    pub updated_at: u64,
    /// How many sessions stand between it and one that a client made.
    #[serde(default)]
    pub depth: usize,
    /// Compare-and-set version, given by the store: 1 for the first write.
    #[serde(default)]
    pub version: u64,
}

impl SessionRow {
    /// The name that keys the session: the external id, or the friendly id.
    pub fn name(&self) -> &str {
        self.external_id.as_deref().unwrap_or(&self.id)
    }

    /// State at `now` (Unix ms).
    pub fn status(&self, now: u64) -> Status {
        match (self.closed_at, self.expires_at) {
            (Some(_), _) => Status::Closed,
            (None, Some(expires)) if expires <= now => Status::Expired,
            _ => Status::Active,
        }
    }

    /// The version that the session's runs must have.
    pub fn locked_version(&self) -> Option<&str> {
        let of = |key: &str| self.trigger_config.get(key).and_then(Value::as_str);
        of("lockToVersion").or_else(|| of("externalDeploymentId"))
    }

    /// Pins the session to `deployment`, or lets its pin go. Did that change anything?
    pub(crate) fn pin(&mut self, deployment: Option<&str>) -> bool {
        const KEY: &str = "externalDeploymentId";
        let Some(config) = self.trigger_config.as_object_mut() else { return false };
        match deployment {
            Some(id) => {
                config.insert(KEY.to_owned(), id.into()).is_none_or(|old| old.as_str() != Some(id))
            }
            None => config.shift_remove(KEY).is_some(),
        }
    }

    /// Who asks, for a backend.
    pub fn origin(&self) -> Origin {
        Origin {
            environment: self.environment.as_str().into(),
            session: self.id.as_str().into(),
            name: self.name().into(),
            run: self.run_id.as_str().into(),
            version: self.locked_version().map(Into::into),
            depth: self.depth,
        }
    }
}
