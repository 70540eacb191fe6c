//! `sessions list`.

use serde_json::Value;

use super::args::{RemoteArgs, StatusArg};
use super::remote::{client, failure};
use crate::client::percent;
use crate::exit::Failure;
use crate::out;

const PAGE_MAX: usize = 100;

/// What is listed, and how.
pub(super) struct Query {
    pub(super) status: Vec<StatusArg>,
    pub(super) agent: Option<String>,
    pub(super) limit: usize,
    pub(super) json: bool,
}

pub(super) async fn list(remote: RemoteArgs, query: Query) -> Result<(), Failure> {
    let client = client(&remote)?;
    let mut left = query.limit;
    let mut after: Option<String> = None;
    if !query.json {
        out::line(&row(["SESSION", "AGENT", "STATUS", "CREATED", "TAGS"]))?;
    }
    while left > 0 {
        let path = path(&query, left.min(PAGE_MAX), after.as_deref());
        let page = client.get_json(&path).await.map_err(failure)?;
        let items = page["data"].as_array().cloned().unwrap_or_default();
        for item in items.iter().take(left) {
            out::line(&if query.json { item.to_string() } else { described(item) })?;
        }
        left = left.saturating_sub(items.len());
        after = page["pagination"]["next"].as_str().map(str::to_owned);
        if after.is_none() || items.is_empty() {
            break;
        }
    }
    Ok(())
}

fn path(query: &Query, size: usize, after: Option<&str>) -> String {
    let mut path = format!("/api/v1/sessions?page%5Bsize%5D={size}");
    if !query.status.is_empty() {
        let words = query.status.iter().map(|status| match status {
            StatusArg::Active => "ACTIVE",
            StatusArg::Closed => "CLOSED",
            StatusArg::Expired => "EXPIRED",
        });
        let words: Vec<_> = words.collect();
        path.push_str(&format!("&filter%5Bstatus%5D={}", percent(&words.join(","))));
    }
    if let Some(agent) = &query.agent {
        path.push_str(&format!("&filter%5BtaskIdentifier%5D={}", percent(agent)));
    }
    if let Some(after) = after {
        path.push_str(&format!("&page%5Bafter%5D={}", percent(after)));
    }
    path
}

fn described(item: &Value) -> String {
    let text = |key: &str| item[key].as_str().unwrap_or_default();
    let name = item["externalId"].as_str().unwrap_or_else(|| text("id"));
    let status = match (&item["closedAt"], &item["expiresAt"]) {
        (Value::Null, Value::Null) => "open",
        (Value::Null, _) => "open, expires",
        _ => "closed",
    };
    let tags = item["tags"].as_array().cloned().unwrap_or_default();
    let tags: Vec<_> = tags.iter().filter_map(Value::as_str).collect();
    row([name, text("taskIdentifier"), status, text("createdAt"), &tags.join(", ")])
}

fn row(cells: [&str; 5]) -> String {
    let [name, agent, status, created, tags] = cells;
    format!("{name:<40} {agent:<20} {status:<14} {created:<25} {tags}").trim_end().to_owned()
}
