//! `GET /api/v1/sessions`.

use http::StatusCode;
use serde::Serialize;
use tidegate_core::error::Result;
use tidegate_core::seams::store::{ListQuery, Position, Status};
use tidegate_protocol::limits::{LIST_PAGE_DEFAULT, LIST_PAGE_MAX};
use tidegate_protocol::token::duration::parse_span;

use super::item::Item;
use super::time;
use crate::service::call::Call;
use crate::service::query::{Query, refused};
use crate::service::respond::{self, Response};

#[derive(Serialize)]
struct Listing<'a> {
    data: Vec<Item<'a>>,
    pagination: Pagination,
}

#[derive(Serialize)]
struct Pagination {
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
}

/// One page, newest first.
pub(crate) async fn list(call: Call<'_>) -> Result<Response> {
    let query = filters(&call.query()?, &call.principal.environment, call.gateway().now())?;
    let page = call.gateway().list_sessions(&call.principal, query).await?;
    let listing = Listing {
        data: page.rows.iter().map(Item::listed).collect(),
        pagination: Pagination { next: page.next, previous: page.previous },
    };
    Ok(respond::json(StatusCode::OK, &listing))
}

/// Reads every filter; `now` in Unix ms. Unknown parameters are ignored.
fn filters(query: &Query, environment: &str, now: u64) -> Result<ListQuery> {
    let statuses = query.list("filter[status]");
    let period = query.get("filter[createdAt][period]").map(|text| {
        let span = parse_span(text).ok().and_then(|seconds| seconds.checked_mul(1_000));
        span.map(|ms| now.saturating_sub(ms)).ok_or_else(|| {
            let name = "filter[createdAt][period]";
            refused(name, format!("{name} must be a time span such as 7d"))
        })
    });
    let from = moment(query, "filter[createdAt][from]")?;
    Ok(ListQuery {
        types: query.list("filter[type]"),
        tags: query.list("filter[tags]"),
        agents: query.list("filter[taskIdentifier]"),
        statuses: statuses.iter().map(|text| status(text)).collect::<Result<_>>()?,
        external_id: query.get("filter[externalId]").map(str::to_owned),
        created_from: period.transpose()?.max(from),
        created_to: moment(query, "filter[createdAt][to]")?,
        now,
        ..page_of(query, environment)?
    })
}

/// The page that is asked for, without filters.
pub(crate) fn page_of(query: &Query, environment: &str) -> Result<ListQuery> {
    Ok(ListQuery {
        environment: environment.to_owned(),
        size: query.number("page[size]", 1..=LIST_PAGE_MAX)?.unwrap_or(LIST_PAGE_DEFAULT),
        position: position(query)?,
        ..ListQuery::default()
    })
}

fn position(query: &Query) -> Result<Position> {
    match (query.get("page[after]"), query.get("page[before]")) {
        (None, None) => Ok(Position::Start),
        (Some(after), None) => Ok(Position::After(after.to_owned())),
        (None, Some(before)) => Ok(Position::Before(before.to_owned())),
        (Some(_), Some(_)) => {
            Err(refused("page[before]", "page[after] and page[before] exclude each other"))
        }
    }
}

fn status(text: &str) -> Result<Status> {
    match text {
        "ACTIVE" => Ok(Status::Active),
        "CLOSED" => Ok(Status::Closed),
        "EXPIRED" => Ok(Status::Expired),
        _ => Err(refused("filter[status]", "filter[status] takes ACTIVE, CLOSED and EXPIRED")),
    }
}

/// Unix ms, or an ISO date.
fn moment(query: &Query, name: &'static str) -> Result<Option<u64>> {
    let Some(text) = query.get(name) else { return Ok(None) };
    match text.parse().ok().or_else(|| time::parse(text)) {
        Some(ms) => Ok(Some(ms)),
        None => Err(refused(name, format!("{name} must be in Unix milliseconds"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Result<ListQuery> {
        filters(&Query::parse(Some(raw)).expect("valid"), "dev", 1_000_000_000)
    }

    #[test]
    fn every_filter() {
        let raw = "filter%5Btype%5D=a%2Cb&filter%5Btags%5D=t1&filter%5BtaskIdentifier%5D=ti\
                   &filter%5BexternalId%5D=s+1&filter%5Bstatus%5D=ACTIVE%2CCLOSED\
                   &filter%5BcreatedAt%5D%5Bperiod%5D=7d&filter%5BcreatedAt%5D%5Bfrom%5D=5\
                   &filter%5BcreatedAt%5D%5Bto%5D=1800000000000&page%5Bsize%5D=5\
                   &page%5Bafter%5D=cursor1&new=1";
        let query = read(raw).expect("valid");
        assert_eq!(query.types, ["a", "b"]);
        assert_eq!(query.tags, ["t1"]);
        assert_eq!(query.agents, ["ti"]);
        assert_eq!(query.external_id.as_deref(), Some("s 1"));
        assert_eq!(query.statuses, [Status::Active, Status::Closed]);
        assert_eq!(query.created_from, Some(1_000_000_000 - 7 * 86_400_000));
        assert_eq!(query.created_to, Some(1_800_000_000_000));
        assert_eq!((query.size, query.position), (5, Position::After("cursor1".into())));
    }

    #[test]
    fn bad_filters_are_named() {
        for (raw, param) in [
            ("page%5Bsize%5D=101", "page[size]"),
            ("page%5Bafter%5D=a&page%5Bbefore%5D=b", "page[before]"),
            ("filter%5Bstatus%5D=OPEN", "filter[status]"),
            ("filter%5BcreatedAt%5D%5Bperiod%5D=soon", "filter[createdAt][period]"),
            ("filter%5BcreatedAt%5D%5Bto%5D=x", "filter[createdAt][to]"),
        ] {
            assert_eq!(read(raw).expect_err(raw).param.as_deref(), Some(param));
        }
    }
}
