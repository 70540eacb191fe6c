//! One table for each kind of figure, with the columns of the published ones.

use super::Table;
use crate::load::{Appends, Idle, Latency, Paced, Plan, Resume, Turns};

/// Rows of paced and fanned-out runs.
pub fn paced_table<'a>(rows: impl IntoIterator<Item = (String, &'a Plan, &'a Paced)>) -> Table {
    let mut table = Table::new(&[
        "target",
        "streams × readers × rate",
        "delivered/s",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "lost",
        "dup",
        "reorder",
        "CPU-s/M",
        "generator CPU-s/M",
        "target util",
        "generator util",
        "RSS MiB",
    ]);
    for (target, plan, run) in rows {
        table.row(vec![
            target,
            format!("{} × {} × {}", plan.sessions, plan.readers, plan.rate),
            number(run.delivered_per_second),
            number(run.latency_ms.p50),
            number(run.latency_ms.p99),
            number(run.latency_ms.p999),
            run.lost.to_string(),
            run.duplicated.to_string(),
            run.reordered.to_string(),
            number(run.cpu_s_per_million),
            number(run.generator_cpu_s_per_million),
            number(run.target_util),
            number(run.generator_util),
            mebibytes(run.rss_bytes),
        ]);
    }
    table
}

/// Rows of the curve.
pub fn turns_table<'a>(rows: impl IntoIterator<Item = (String, &'a Turns)>) -> Table {
    let mut table = Table::new(&[
        "store",
        "sessions",
        "turns",
        "chunks/s",
        "request p50/p99 ms",
        "first chunk p50/p99 ms",
        "chunk p50/p99 ms",
        "lost",
        "dup",
        "reorder",
        "boundaries wrong",
        "CPU-s/M",
        "target util",
        "generator util",
        "RSS MiB",
    ]);
    for (target, run) in rows {
        let pair = |latency: &Latency| format!("{} / {}", number(latency.p50), number(latency.p99));
        table.row(vec![
            target,
            run.sessions.to_string(),
            run.turns.to_string(),
            number(run.delivered_per_second),
            pair(&run.request_ms),
            pair(&run.first_chunk_ms),
            pair(&run.chunk_ms),
            run.lost.to_string(),
            run.duplicated.to_string(),
            run.reordered.to_string(),
            run.boundaries_wrong.to_string(),
            number(run.cpu_s_per_million),
            number(run.target_util),
            number(run.generator_util),
            mebibytes(run.rss_bytes),
        ]);
    }
    table
}

/// Rows of closed-loop appends.
pub fn appends_table<'a>(rows: impl IntoIterator<Item = (String, &'a Appends)>) -> Table {
    let mut table = Table::new(&[
        "store",
        "connections",
        "appends/s",
        "p50 ms",
        "p99 ms",
        "CPU µs/append",
        "target util",
        "RSS MiB",
    ]);
    for (target, run) in rows {
        table.row(vec![
            target,
            run.connections.to_string(),
            number(run.appends_per_second),
            number(run.latency_ms.p50),
            number(run.latency_ms.p99),
            number(run.cpu_us_per_append),
            number(run.target_util),
            mebibytes(run.rss_bytes),
        ]);
    }
    table
}

/// Rows of idle readers.
pub fn idle_table<'a>(rows: impl IntoIterator<Item = (String, &'a Idle)>) -> Table {
    let mut table = Table::new(&[
        "target",
        "readers",
        "B/session",
        "B/reader",
        "connect s",
        "connect CPU µs",
        "hold CPU s/5 s",
        "alive",
    ]);
    for (target, run) in rows {
        table.row(vec![
            target,
            run.readers.to_string(),
            number(run.bytes_per_session),
            number(run.bytes_per_reader),
            number(run.connect_s),
            number(run.cpu_us_per_connect),
            number(run.idle_cpu_s),
            run.alive.to_string(),
        ]);
    }
    table
}

/// Rows of resumptions.
pub fn resume_table<'a>(rows: impl IntoIterator<Item = (String, &'a Resume)>) -> Table {
    let mut table = Table::new(&[
        "store",
        "records",
        "clients",
        "first p50 ms",
        "first p99 ms",
        "full p50 ms",
        "full p99 ms",
        "CPU µs/resume",
        "storm full p50 ms",
        "storm max ms",
        "inexact",
    ]);
    for (target, run) in rows {
        table.row(vec![
            target,
            run.records.to_string(),
            run.clients.to_string(),
            number(run.first_ms.p50),
            number(run.first_ms.p99),
            number(run.full_ms.p50),
            number(run.full_ms.p99),
            number(run.cpu_us_per_resume),
            number(run.storm_full_ms.p50),
            number(run.storm_full_ms.max),
            run.inexact.to_string(),
        ]);
    }
    table
}

/// Three significant digits, as far as there is anything behind the point.
pub(super) fn number(value: f64) -> String {
    let places = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.places$}")
}

pub(super) fn mebibytes(bytes: u64) -> String {
    number(bytes as f64 / f64::from(1 << 20))
}
