//! `GET` and `PUT /api/v1/sessions/{s}/snapshot-url`, and the addresses that they give.
//!
//! An address is used without a credential, so it carries one: a token of the environment's
//! own key, good for a few minutes and for nothing but this session's transcript.

use std::sync::Arc;

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde_json::json;
use tidegate_core::error::{self, Result};
use tidegate_protocol::limits::SAVED_TRANSCRIPT_MAX_BYTES;
use tidegate_protocol::token::scope::{Action, Resource};
use tidegate_protocol::transcript::MEDIA_TYPE;
use tidegate_protocol::{ApiError, ErrorCode};

use crate::body::Body;
use crate::meta::address;
use crate::service::app::App;
use crate::service::call::Call;
use crate::service::finish::ToTheEnd;
use crate::service::query::Query;
use crate::service::read_body;
use crate::service::request_body::RequestBody;
use crate::service::respond::{self, Response};

/// Seconds for which an address works.
const URL_TTL_S: u64 = 10 * 60;

/// `{"presignedUrl":"…"}`.
pub(crate) async fn url(call: Call<'_>, name: &str) -> Result<Response> {
    call.principal.require_secret()?;
    let gateway = call.gateway();
    let row = gateway.retrieve_session(&call.principal, name).await?;
    let scope = format!("read:transcripts:{}", row.name());
    let access = gateway.access();
    let expires = access.now_s() + URL_TTL_S;
    let token = access.mint(&call.principal.environment, vec![scope], expires, None, None)?;
    Ok(presigned(&call, row.name(), &token))
}

/// `{"presignedUrl":"…"}`, to which a transcript can be put.
pub(crate) async fn upload_url(call: Call<'_>, name: &str) -> Result<Response> {
    let gateway = call.gateway();
    let (token, name) = gateway.upload_token(&call.principal, name, URL_TTL_S).await?;
    Ok(presigned(&call, &name, &token))
}

fn presigned(call: &Call<'_>, name: &str, token: &str) -> Response {
    let base = address::base(call.app, call.tls, &call.parts);
    let url = format!("{base}/v1/transcripts/{}?token={token}", address::encode(name));
    respond::json(StatusCode::OK, &json!({"presignedUrl": url}))
}

/// Saves a blob (R-TSC-11).
pub(crate) async fn save(
    app: &Arc<App>,
    parts: &Parts,
    mut body: RequestBody,
    name: &str,
) -> Result<Response> {
    let query = Query::parse(parts.uri.query())?;
    let token = query.get("token").ok_or_else(refused)?;
    let grant = app.gateway.access().upload_grant(token, name)?;
    let (limit, timeout) = (SAVED_TRANSCRIPT_MAX_BYTES, app.limits.body_timeout);
    let bytes = read_body::read(&parts.headers, &mut body, limit, timeout).await?;
    let gateway = app.gateway.clone();
    ToTheEnd::of(async move { gateway.save_transcript(&grant, bytes).await }).await?;
    Ok(respond::raw_json(StatusCode::OK, r#"{"ok":true}"#))
}

/// The blob.
pub(crate) async fn fetch(app: &Arc<App>, parts: &Parts, name: &str) -> Result<Response> {
    let refused =
        || ApiError::new(ErrorCode::Unauthorized, "this address is not valid any more").at("token");
    let query = Query::parse(parts.uri.query())?;
    let principal = app.gateway.access().authenticate(query.get("token").ok_or_else(refused)?)?;
    if principal.is_secret() || !principal.may(Action::Read, &Resource::Transcript(name)) {
        return Err(refused());
    }
    let blob = app.gateway.transcript_blob(&principal.environment, name).await?;
    let blob = blob.ok_or_else(|| error::session_not_found(name))?;
    let mut response = Response::new(Body::from(blob));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn refused() -> ApiError {
    ApiError::new(ErrorCode::Unauthorized, "this address is not valid any more").at("token")
}
