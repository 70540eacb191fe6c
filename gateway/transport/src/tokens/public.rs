//! `POST /api/v1/auth/public-tokens`: the gateway signs.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_core::error::Result;
use tidegate_core::sessions::request::refused;
use tidegate_protocol::token::duration::expires_at;
use tidegate_protocol::token::scope::Scope;

use crate::service::call::Call;
use crate::service::json;
use crate::service::respond::{self, Response};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    scopes: Vec<String>,
    #[serde(default)]
    expiration_time: Option<Value>,
    #[serde(default)]
    one_time_use: Option<bool>,
    #[serde(default)]
    realtime: Option<Value>,
}

/// `{"token":"…"}`.
pub(crate) async fn mint(mut call: Call<'_>) -> Result<Response> {
    let body = call.small_body().await?;
    call.principal.require_secret()?;
    let wanted: Wanted = json::read(&body)?;
    if wanted.scopes.is_empty() {
        return Err(refused("scopes", "a token needs at least one scope"));
    }
    for scope in &wanted.scopes {
        Scope::parse(scope).map_err(|error| refused("scopes", format!("{scope:?}: {error}")))?;
    }
    let realtime = wanted.realtime.filter(|value| !value.is_null());
    if realtime.as_ref().is_some_and(|value| !value.is_object()) {
        return Err(refused("realtime", "realtime must be an object"));
    }
    let access = call.gateway().access();
    let expiration = wanted.expiration_time.as_ref().filter(|value| !value.is_null());
    let expires = expires_at(expiration, access.now_s())
        .map_err(|error| refused("expirationTime", error.to_string()))?;
    let environment = &call.principal.environment;
    let token = access.mint(environment, wanted.scopes, expires, wanted.one_time_use, realtime)?;
    Ok(respond::json(StatusCode::OK, &json!({"token": token})))
}
