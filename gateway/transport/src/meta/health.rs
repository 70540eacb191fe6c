//! `/live` and `/ready`.

use std::sync::atomic::Ordering;

use http::StatusCode;

use crate::service::app::App;
use crate::service::respond::{self, Response};

/// The process answers.
pub(crate) fn live() -> Response {
    respond::raw_json(StatusCode::OK, r#"{"status":"live"}"#)
}

/// New clients may be sent here.
pub(crate) fn ready(app: &App) -> Response {
    let (status, text) = match (app.ready.load(Ordering::Acquire), app.is_leaving()) {
        (true, false) => (StatusCode::OK, r#"{"status":"ready"}"#),
        (_, true) => (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"draining"}"#),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"starting"}"#),
    };
    respond::raw_json(status, text)
}
