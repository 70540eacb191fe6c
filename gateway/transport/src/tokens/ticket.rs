//! `POST /v1/tickets`: a credential for one handshake of a socket (R-TOK-18).

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use tidegate_core::error::Result;
use tidegate_core::sessions::request::refused;
use tidegate_protocol::token::scope::Scope;

use crate::service::call::Call;
use crate::service::respond::{self, Response};
use crate::service::{auth, json};

#[derive(Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    scopes: Option<Vec<String>>,
}

/// `{"ticket":"…","expiresAt":…}`.
pub(crate) async fn give(mut call: Call<'_>) -> Result<Response> {
    let wanted: Wanted = json::read_or_default(&call.small_body().await?)?;
    for scope in wanted.scopes.iter().flatten() {
        Scope::parse(scope).map_err(|error| refused("scopes", format!("{scope:?}: {error}")))?;
    }
    let bearer = auth::bearer_of(&call.parts)?;
    let (ticket, expires) = call.gateway().ticket(&call.principal, bearer, wanted.scopes)?;
    let body = json!({"ticket": ticket, "expiresAt": expires});
    Ok(respond::json(StatusCode::OK, &body))
}
