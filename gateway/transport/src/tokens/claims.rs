//! `POST /api/v1/auth/jwt/claims`: what root-style keys put into the tokens that they sign.

use http::StatusCode;
use serde_json::json;
use tidegate_core::error::Result;

use crate::service::call::Call;
use crate::service::respond::{self, Response};

/// The body is empty, whatever its content type says (trap 22).
pub(crate) async fn show(mut call: Call<'_>) -> Result<Response> {
    call.small_body().await?;
    call.principal.require_secret()?;
    let claims = json!({"sub": &*call.principal.environment, "pub": true});
    Ok(respond::json(StatusCode::OK, &claims))
}
