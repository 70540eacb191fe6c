//! `GET /v1/sessions/{s}/inputs`: what became of each input (I2).

use http::StatusCode;
use serde::Serialize;
use tidegate_core::error::Result;
use tidegate_core::seams::store::Fate;
use tidegate_protocol::limits::RECORDS_PAGE_MAX;

use super::records::cursor;
use crate::service::call::Call;
use crate::service::respond::{self, Response};

#[derive(Serialize)]
struct Page {
    inputs: Vec<Shown>,
}

#[derive(Serialize)]
struct Shown {
    seq: u64,
    #[serde(flatten)]
    fate: Shape,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Shape {
    Known(Fate),
    /// Still owed: `"fate":null`.
    Owed {
        fate: (),
    },
}

/// Fates of `.in` records after `after`, oldest first, at most `limit`.
pub(crate) async fn page(call: Call<'_>, name: &str) -> Result<Response> {
    let query = call.query()?;
    let after = cursor(&query, "after")?;
    let limit = query.number("limit", 1..=RECORDS_PAGE_MAX)?.unwrap_or(RECORDS_PAGE_MAX);
    let fates = call.gateway().input_fates(&call.principal, name, after, limit).await?;
    let show = |seq, fate: Option<Fate>| Shown {
        seq,
        fate: fate.map_or(Shape::Owed { fate: () }, Shape::Known),
    };
    let inputs = fates.into_iter().map(|input| show(input.seq, input.fate)).collect();
    Ok(respond::json(StatusCode::OK, &Page { inputs }))
}
