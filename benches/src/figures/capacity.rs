//! Tables of the model.

use super::Table;
use super::markdown::number;
use crate::capacity::{Checked, Need, Part};

/// What the model said, and what was measured.
pub fn checked_table<'a>(rows: impl IntoIterator<Item = &'a Checked>) -> Table {
    let mut table = Table::new(&[
        "sessions × readers × rate",
        "readers at",
        "gateways, cores: model / measured",
        "ratio",
        "Redis, cores: model / measured",
        "ratio",
        "inexact",
    ]);
    for row in rows {
        let pair = |(said, seen): (f64, f64)| format!("{} / {}", number(said), number(seen));
        let ratio = |(said, seen): (f64, f64)| number(said / seen);
        table.row(vec![
            format!("{} × {} × {}", row.load.sessions, row.load.readers, row.load.rate),
            if row.is_other { "the other" } else { "the same" }.to_owned(),
            pair(row.gateways),
            ratio(row.gateways),
            pair(row.redis),
            ratio(row.redis),
            row.inexact.to_string(),
        ]);
    }
    table
}

/// What a load takes.
pub fn need_table<'a>(rows: impl IntoIterator<Item = (String, &'a Need)>) -> Table {
    let mut table = Table::new(&[
        "load",
        "gateways",
        "shards",
        "fullest part",
        "next",
        "gateway cores",
        "Redis cores",
        "of it the list of gateways",
        "Redis GiB",
    ]);
    for (load, need) in rows {
        let part = |at: usize| {
            let (part, used) = need.used[at];
            format!("{} {:.0} %", name(part), used * 100.0)
        };
        table.row(vec![
            load,
            need.gateways.to_string(),
            need.shards.to_string(),
            part(0),
            part(1),
            number(need.gateway_cores),
            number(need.redis_cores),
            number(need.fleet_cores),
            number(need.redis_bytes / f64::from(1 << 30)),
        ]);
    }
    table
}

fn name(part: Part) -> &'static str {
    match part {
        Part::GatewayCpu => "gateway CPU",
        Part::GatewayMemory => "gateway memory",
        Part::GatewayNetwork => "gateway network",
        Part::RedisCpu => "Redis CPU",
        Part::RedisMemory => "Redis memory",
        Part::RedisNetwork => "Redis network",
    }
}
