//! `PUT` and `GET /api/v1/runs/{run}/metadata`, `POST /api/v1/runs/{run}/tags`.

use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tidegate_core::error::Result;
use tidegate_protocol::limits::RUN_METADATA_MAX_BYTES;
use tidegate_protocol::metadata::Operation;

use crate::service::call::Call;
use crate::service::json;
use crate::service::respond::{self, Response};

/// Operations on a parent's or root's metadata are left out: a chat's run has none.
#[derive(Deserialize)]
struct Change {
    metadata: Option<Map<String, Value>>,
    #[serde(default)]
    operations: Vec<Operation>,
}

#[derive(Deserialize)]
struct Tags {
    tags: OneOrMany,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Changes the metadata and gives it.
pub(crate) async fn change(mut call: Call<'_>, id: &str) -> Result<Response> {
    let body = call.body(2 * RUN_METADATA_MAX_BYTES).await?;
    let change: Change = json::read(&body)?;
    let (gateway, principal) = (call.gateway(), &call.principal);
    let changed = gateway.note_metadata(principal, id, change.metadata, change.operations).await?;
    Ok(respond::json(StatusCode::OK, &json!({"metadata": changed})))
}

/// The metadata.
pub(crate) async fn show(call: Call<'_>, id: &str) -> Result<Response> {
    let view = call.gateway().retrieve_run(&call.principal, id).await?;
    Ok(respond::json(StatusCode::OK, &json!({"metadata": view.notes.metadata})))
}

/// Adds tags.
pub(crate) async fn tag(mut call: Call<'_>, id: &str) -> Result<Response> {
    let tags: Tags = json::read(&call.small_body().await?)?;
    let tags = match tags.tags {
        OneOrMany::One(tag) => vec![tag],
        OneOrMany::Many(tags) => tags,
    };
    call.gateway().note_tags(&call.principal, id, tags).await?;
    Ok(respond::json(StatusCode::OK, &json!({"message": "the tags are on the run"})))
}
