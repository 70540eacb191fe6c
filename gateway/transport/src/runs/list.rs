//! `GET /api/v1/runs`.

use http::StatusCode;
use serde_json::json;
use tidegate_core::error::Result;
use tidegate_core::runs::requests::RunView;
use tidegate_core::seams::store::ListQuery;

use super::view::{self, Run};
use crate::service::call::Call;
use crate::service::query::Query;
use crate::service::respond::{self, Response};
use crate::sessions::list::page_of;

/// The tag that the stock clients give to a chat's runs; it names the session.
const CHAT_TAG: &str = "chat:";

/// One page: the runs of a page of sessions. A page may be empty and still have a `next`.
pub(crate) async fn list(call: Call<'_>) -> Result<Response> {
    let query = call.query()?;
    let tags = query.list("filter[tag]");
    let mut sessions = ListQuery {
        agents: query.list("filter[taskIdentifier]"),
        external_id: tags.iter().find_map(|tag| tag.strip_prefix(CHAT_TAG)).map(str::to_owned),
        ..page_of(&query, &call.principal.environment)?
    };
    sessions.now = call.gateway().now();
    let now = sessions.now;
    let page = call.gateway().list_runs(&call.principal, sessions).await?;
    let shown: Vec<_> = page.runs.iter().filter(|run| matches(&query, &tags, run)).collect();
    let data: Vec<_> = shown.into_iter().map(|view| Run::of(view, now)).collect();
    let next = page.next.map_or(json!({}), |next| json!({"next": next}));
    Ok(respond::json(StatusCode::OK, &json!({"data": data, "pagination": next})))
}

fn matches(query: &Query, tags: &[String], view: &RunView) -> bool {
    let statuses = query.list("filter[status]");
    let versions = query.list("filter[version]");
    let own = view.tags();
    let tagged = tags.is_empty()
        || tags.iter().any(|tag| {
            own.contains(&&**tag) || tag.strip_prefix(CHAT_TAG) == Some(view.session.name())
        });
    tagged
        && (statuses.is_empty() || statuses.iter().any(|s| s == view::name(view.run.status)))
        && (versions.is_empty() || versions.contains(&view.run.version))
}
