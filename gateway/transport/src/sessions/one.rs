//! `/api/v1/sessions/{s}`: retrieve, update, close.

use http::StatusCode;
use serde::Deserialize;
use tidegate_core::error::Result;
use tidegate_core::sessions::request::UpdateSession;
use tidegate_core::sessions::row::SessionRow;

use super::item::Item;
use crate::service::call::Call;
use crate::service::finish::ToTheEnd;
use crate::service::json;
use crate::service::respond::{self, Response};

/// `GET`.
pub(crate) async fn retrieve(call: Call<'_>, name: &str) -> Result<Response> {
    Ok(show(&*call.gateway().retrieve_session(&call.principal, name).await?))
}

/// `PATCH`.
pub(crate) async fn update(mut call: Call<'_>, name: &str) -> Result<Response> {
    let update: UpdateSession = json::read(&call.small_body().await?)?;
    Ok(show(&*call.gateway().update_session(&call.principal, name, update).await?))
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Close {
    reason: Option<String>,
    calling_run_id: Option<String>,
}

/// `POST …/close`; the body may be empty.
pub(crate) async fn close(mut call: Call<'_>, name: &str) -> Result<Response> {
    let close: Close = json::read_or_default(&call.small_body().await?)?;
    let (gateway, principal) = (call.gateway().clone(), call.principal.clone());
    let name = name.to_owned();
    let close = async move {
        let calling = close.calling_run_id.as_deref();
        gateway.close_session(&principal, &name, close.reason, calling).await
    };
    Ok(show(&*ToTheEnd::of(close).await?))
}

fn show(row: &SessionRow) -> Response {
    respond::json(StatusCode::OK, &Item::of(row))
}
