//! Does a session belong in a listing?

use tidegate_core::seams::store::ListQuery;
use tidegate_core::sessions::row::SessionRow;

/// Does `row` pass every filter of `query`? The environment is not looked at.
pub(crate) fn matches(query: &ListQuery, row: &SessionRow) -> bool {
    any_of(&query.types, &row.kind)
        && any_of(&query.agents, &row.agent)
        && (query.tags.is_empty() || row.tags.iter().any(|tag| query.tags.contains(tag)))
        && (query.statuses.is_empty() || query.statuses.contains(&row.status(query.now)))
        && query.external_id.as_ref().is_none_or(|id| row.external_id.as_ref() == Some(id))
        && query.created_from.is_none_or(|from| row.created_at >= from)
        && query.created_to.is_none_or(|to| row.created_at <= to)
}

fn any_of(wanted: &[String], value: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|one| one == value)
}
