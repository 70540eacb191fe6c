//! `POST /api/v1/sessions/{s}/end-and-continue`.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_core::error::Result;
use tidegate_core::sessions::request::refused;

use crate::service::call::Call;
use crate::service::finish::ToTheEnd;
use crate::service::json;
use crate::service::respond::{self, Response};

const REASON_MAX_CHARS: usize = 64;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    calling_run_id: String,
    reason: String,
    external_deployment_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    run_id: String,
    swapped: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pending_version: bool,
}

/// A run wants another to take over.
pub(crate) async fn end_and_continue(mut call: Call<'_>, name: &str) -> Result<Response> {
    let request: Request = json::read(&call.small_body().await?)?;
    if request.reason.chars().count() > REASON_MAX_CHARS {
        let text = format!("reason must have at most {REASON_MAX_CHARS} characters");
        return Err(refused("reason", text));
    }
    let (gateway, principal) = (call.gateway().clone(), call.principal.clone());
    let name = name.to_owned();
    let continued = ToTheEnd::of(async move {
        let Request { calling_run_id, reason, external_deployment_id } = request;
        let upgrade = reason == "upgrade";
        gateway
            .end_and_continue(&principal, &name, &calling_run_id, upgrade, external_deployment_id)
            .await
    })
    .await?;
    let answer = Answer {
        run_id: continued.run_id,
        swapped: continued.swapped,
        pending_version: continued.pending_version,
    };
    Ok(respond::json(StatusCode::OK, &answer))
}
