//! `POST /api/v1/sessions`.

use http::StatusCode;
use serde::Serialize;
use tidegate_core::error::Result;
use tidegate_core::sessions::request::{CreateSession, refused};
use tidegate_protocol::limits::CREATE_BODY_MAX_BYTES;

use super::item::Item;
use super::time;
use crate::service::call::Call;
use crate::service::finish::ToTheEnd;
use crate::service::json;
use crate::service::respond::{self, Response};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Created<'a> {
    #[serde(flatten)]
    item: Item<'a>,
    run_id: &'a str,
    public_access_token: &'a str,
    is_cached: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pending_version: bool,
}

/// Creates the session (201) or finds it (200).
pub(crate) async fn create(mut call: Call<'_>) -> Result<Response> {
    let body = call.body(CREATE_BODY_MAX_BYTES).await?;
    let mut request: CreateSession = json::read(&body)?;
    let expires_at = request.expires_at.as_deref().map(|text| {
        time::parse(text)
            .ok_or_else(|| refused("expiresAt", "expiresAt must be an ISO 8601 date and time"))
    });
    let key = call.header("x-trigger-request-idempotency-key")?;
    request.idempotency_key = key.map(str::to_owned);
    let (gateway, principal) = (call.gateway().clone(), call.principal.clone());
    let expires_at = expires_at.transpose()?;
    let create = async move { gateway.create_session(&principal, request, expires_at).await };
    let created = ToTheEnd::of(create).await?;
    let status = if created.found { StatusCode::OK } else { StatusCode::CREATED };
    let answer = Created {
        item: Item::of(&created.row),
        run_id: &created.row.run_id,
        public_access_token: &created.token,
        is_cached: created.found,
        pending_version: call.gateway().is_version_pending(&created.row),
    };
    Ok(respond::json(status, &answer))
}
