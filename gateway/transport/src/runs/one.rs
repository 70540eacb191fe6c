//! `GET /api/v3/runs/{run}` and `POST /api/v2/runs/{run}/cancel`.

use http::StatusCode;
use serde_json::json;
use tidegate_core::error::Result;

use super::view::Run;
use crate::service::call::Call;
use crate::service::finish::ToTheEnd;
use crate::service::respond::{self, Response};

/// A run.
pub(crate) async fn retrieve(call: Call<'_>, id: &str) -> Result<Response> {
    let view = call.gateway().retrieve_run(&call.principal, id).await?;
    Ok(respond::json(StatusCode::OK, &Run::of(&view, call.gateway().now())))
}

/// Cancels a run; one that is over stays as it is.
pub(crate) async fn cancel(call: Call<'_>, id: &str) -> Result<Response> {
    let (gateway, principal) = (call.gateway().clone(), call.principal.clone());
    let run = id.to_owned();
    ToTheEnd::of(async move { gateway.cancel_run(&principal, &run).await }).await?;
    Ok(respond::json(StatusCode::OK, &json!({"id": id})))
}
