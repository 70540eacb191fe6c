//! Tables of agents in processes of their own.

use super::Table;
use super::markdown::{mebibytes, number};
use crate::load::{Answers, Faults, Flood, Hosted, Latency, Parked};

/// Rows of answers.
pub fn answers_table<'a>(rows: impl IntoIterator<Item = (String, &'a Answers)>) -> Table {
    let mut table = Table::new(&[
        "store, agent",
        "users",
        "turns",
        "first word p50/p99 ms",
        "first turn p50/p99 ms",
        "CPU µs/turn",
        "worker CPU µs/turn",
        "inexact",
        "RSS MiB",
    ]);
    for (target, run) in rows {
        table.row(vec![
            target,
            run.users.to_string(),
            run.turns.to_string(),
            pair(&run.first_ms),
            pair(&run.opening_ms),
            number(run.cpu_us_per_turn),
            number(run.worker_cpu_us_per_turn),
            inexact(&run.faults),
            mebibytes(run.rss_bytes),
        ]);
    }
    table
}

/// Rows of answers without pauses.
pub fn flood_table<'a>(rows: impl IntoIterator<Item = (String, &'a Flood)>) -> Table {
    let mut table = Table::new(&[
        "store, agent",
        "sessions",
        "records",
        "records/s",
        "CPU-s/M",
        "worker CPU-s/M",
        "gateway util",
        "inexact",
        "RSS MiB",
    ]);
    for (target, run) in rows {
        table.row(vec![
            target,
            run.sessions.to_string(),
            run.records.to_string(),
            number(run.records_per_second),
            number(run.cpu_s_per_million),
            number(run.worker_cpu_s_per_million),
            number(run.target_util),
            inexact(&run.faults),
            mebibytes(run.rss_bytes),
        ]);
    }
    table
}

/// Rows of sessions that wait.
pub fn parked_table<'a>(rows: impl IntoIterator<Item = (String, &'a Parked)>) -> Table {
    let mut table =
        Table::new(&["store, agent", "sessions", "B/session", "+ B/answered once", "inexact"]);
    for (target, run) in rows {
        table.row(vec![
            target,
            run.sessions.to_string(),
            number(run.bytes_per_session),
            number(run.bytes_per_waiting),
            inexact(&run.faults),
        ]);
    }
    table
}

/// Rows of the host.
pub fn hosted_table<'a>(rows: impl IntoIterator<Item = (String, &'a Hosted)>) -> Table {
    let mut table = Table::new(&[
        "store",
        "warm p50/p99 ms",
        "new chat, spare ready p50/max ms",
        "new chat, none p50/max ms",
        "host RSS, 1 chat, MiB",
        "MiB for each further chat",
    ]);
    for (target, run) in rows {
        let rising =
            |latency: &Latency| format!("{} / {}", number(latency.p50), number(latency.max));
        let chats = run.bytes_per_chat.iter();
        let chats = chats
            .map(|(chats, bytes)| format!("{} at {chats}", number(bytes / f64::from(1 << 20))));
        table.row(vec![
            target,
            pair(&run.warm_ms),
            rising(&run.cold_with_spare_ms),
            rising(&run.cold_ms),
            mebibytes(run.rss_bytes),
            chats.collect::<Vec<_>>().join(", "),
        ]);
    }
    table
}

fn pair(latency: &Latency) -> String {
    format!("{} / {}", number(latency.p50), number(latency.p99))
}

/// How many words were lost, came twice or in the wrong place, and boundaries too many.
fn inexact(faults: &Faults) -> String {
    let Faults { lost, duplicated, reordered, boundaries } = faults;
    (lost + duplicated + reordered + boundaries).to_string()
}
