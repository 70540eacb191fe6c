//! A run as answers show it: what the published SDK checks.

use serde::Serialize;
use serde_json::{Map, Value, json};
use tidegate_core::runs::book::RunStatus;
use tidegate_core::runs::requests::RunView;

use crate::sessions::time;

/// A run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Run<'a> {
    id: &'a str,
    status: &'static str,
    task_identifier: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    is_queued: bool,
    is_executing: bool,
    is_waiting: bool,
    is_completed: bool,
    is_success: bool,
    is_failed: bool,
    is_cancelled: bool,
    is_test: bool,
    created_at: String,
    updated_at: String,
    started_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<String>,
    tags: Vec<&'a str>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    metadata: &'a Map<String, Value>,
    cost_in_cents: u64,
    base_cost_in_cents: u64,
    duration_ms: u64,
    depth: usize,
    trigger_function: &'static str,
    related_runs: Value,
    attempt_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
    env: Value,
    /// Beyond the SDK's shape: whose run it is.
    session_id: &'a str,
}

impl<'a> Run<'a> {
    /// The run at `now` (Unix ms).
    pub(super) fn of(view: &'a RunView, now: u64) -> Self {
        let (run, session) = (&view.run, &view.session);
        let status = run.status;
        let ended = run.finished_at.is_some();
        let failed = matches!(status, RunStatus::Failed | RunStatus::Crashed);
        let environment = &session.environment;
        Self {
            id: &view.id,
            status: name(status),
            task_identifier: &session.agent,
            version: (!run.version.is_empty()).then_some(&*run.version),
            is_queued: status == RunStatus::Queued,
            is_executing: status == RunStatus::Executing,
            is_waiting: false,
            is_completed: ended,
            is_success: status == RunStatus::Completed,
            is_failed: failed,
            is_cancelled: status == RunStatus::Canceled,
            is_test: false,
            created_at: time::format(run.started_at),
            updated_at: time::format(run.finished_at.unwrap_or(run.started_at)),
            started_at: time::format(run.started_at),
            finished_at: run.finished_at.map(time::format),
            tags: view.tags(),
            metadata: &view.notes.metadata,
            cost_in_cents: 0,
            base_cost_in_cents: 0,
            duration_ms: run.finished_at.unwrap_or(now).saturating_sub(run.started_at),
            depth: session.depth,
            trigger_function: "trigger",
            related_runs: json!({}),
            attempt_count: run.attempts,
            error: run.error.as_ref().map(|text| json!({"name": "Error", "message": text})),
            env: json!({"id": environment, "name": environment}),
            session_id: &session.id,
        }
    }
}

/// The wire form.
pub(super) fn name(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Queued => "QUEUED",
        RunStatus::Executing => "EXECUTING",
        RunStatus::Completed => "COMPLETED",
        RunStatus::Failed => "FAILED",
        RunStatus::Crashed => "CRASHED",
        RunStatus::Canceled => "CANCELED",
    }
}
