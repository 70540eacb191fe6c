//! `GET …/records`: one page of records, without waiting.

use http::StatusCode;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tidegate_core::error::Result;
use tidegate_protocol::cursor::parse_last_event_id;
use tidegate_protocol::ids::Channel;
use tidegate_protocol::limits::{RECORDS_OF_RUN_MAX_BYTES, RECORDS_PAGE_MAX};
use tidegate_protocol::record::{Envelope, Header};
use tidegate_protocol::{ApiError, ErrorCode, Record};

use crate::service::call::Call;
use crate::service::query::Query;
use crate::service::respond::{self, Response};

#[derive(Serialize)]
struct Page<'a> {
    records: Vec<Shown<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    /// The envelope's data as it is: a string on `.in`, the chunk on `.out`; null where a record
    /// has none.
    data: Option<Data<'a>>,
    id: String,
    seq_num: u64,
    #[serde(skip_serializing_if = "<[Header]>::is_empty")]
    headers: &'a [Header],
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Raw(&'a RawValue),
    Text(Box<RawValue>),
}

/// Records after `afterEventId`, oldest first, at most `limit`.
pub(crate) async fn page(call: Call<'_>, name: &str, channel: &Channel) -> Result<Response> {
    let query = call.query()?;
    let after = cursor(&query, "afterEventId")?;
    let limit = query.number("limit", 1..=RECORDS_PAGE_MAX)?;
    let records = match limit {
        // The published SDK's runs look for the newest boundary in one answer.
        None if call.principal.run().is_some() => everything(&call, name, channel, after).await?,
        limit => {
            let limit = limit.unwrap_or(RECORDS_PAGE_MAX);
            call.gateway().records(&call.principal, name, channel, after, limit).await?
        }
    };
    let shown = records.iter().filter(|record| !record.is_command());
    Ok(respond::json(StatusCode::OK, &Page { records: shown.map(show).collect() }))
}

/// All that a run asks for (R-PG-1).
async fn everything(
    call: &Call<'_>,
    name: &str,
    channel: &Channel,
    mut after: Option<u64>,
) -> Result<Vec<Record>> {
    let (mut all, mut bytes) = (Vec::new(), 0);
    loop {
        let principal = &call.principal;
        let page =
            call.gateway().records(principal, name, channel, after, RECORDS_PAGE_MAX).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = Some(last.seq_num);
        bytes += page.iter().map(Record::metered_len).sum::<usize>();
        all.extend(page);
        if bytes >= RECORDS_OF_RUN_MAX_BYTES {
            return Ok(all);
        }
    }
}

/// A seq in the query.
pub(super) fn cursor(query: &Query, name: &'static str) -> Result<Option<u64>> {
    parse_last_event_id(query.get(name).unwrap_or_default()).map_err(|_| {
        let message = format!("{name} must be the decimal seq of the last record received");
        ApiError::new(ErrorCode::InvalidCursor, message).at(name)
    })
}

fn show(record: &Record) -> Shown<'_> {
    let (data, id) = match Envelope::of(record) {
        Some(envelope) => (Some(Data::Raw(envelope.data.0)), envelope.id),
        None if record.body.is_empty() => (None, String::new()),
        None => (
            to_raw_value(&String::from_utf8_lossy(&record.body)).ok().map(Data::Text),
            String::new(),
        ),
    };
    Shown { data, id, seq_num: record.seq_num, headers: &record.headers }
}
