//! A session as answers show it. Clients check it strictly: nullable keys are always there
//! (trap 18).

use serde::Serialize;
use serde_json::Value;
use tidegate_core::sessions::row::SessionRow;

use super::time;

/// A session.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item<'a> {
    id: &'a str,
    external_id: Option<&'a str>,
    r#type: &'a str,
    task_identifier: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger_config: Option<&'a Value>,
    current_run_id: &'a str,
    tags: &'a [String],
    metadata: Option<&'a Value>,
    closed_at: Option<String>,
    closed_reason: Option<&'a str>,
    expires_at: Option<String>,
    created_at: String,
    updated_at: String,
}

impl<'a> Item<'a> {
    /// The whole row.
    pub(super) fn of(row: &'a SessionRow) -> Self {
        Self {
            id: &row.id,
            external_id: row.external_id.as_deref(),
            r#type: &row.kind,
            task_identifier: &row.agent,
            trigger_config: Some(&row.trigger_config),
            current_run_id: &row.run_id,
            tags: &row.tags,
            metadata: row.metadata.as_ref(),
            closed_at: row.closed_at.map(time::format),
            closed_reason: row.closed_reason.as_deref(),
            expires_at: row.expires_at.map(time::format),
            created_at: time::format(row.created_at),
            updated_at: time::format(row.updated_at),
        }
    }

    /// As listings show it: `triggerConfig` may be large.
    pub(super) fn listed(row: &'a SessionRow) -> Self {
        Self { trigger_config: None, ..Self::of(row) }
    }
}
