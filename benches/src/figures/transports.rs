//! The tables of transports.

use super::Table;
use super::markdown::number;
use crate::load::{Firsts, Kept, Latency, Live, Memory, Quiet, Replay};
use crate::transports::Via;

const KIB: f64 = 1024.0;

/// Live delivery; ratios are to the first row. `quiet` is what the appends cost alone.
pub fn live_table(quiet: &Quiet, readers: u32, rows: &[Live]) -> Table {
    let mut table = Table::new(&[
        "transport",
        "connections",
        "delivered/s",
        "p50 ms",
        "p99 ms",
        "lost/dup/reorder",
        "CPU-s/M",
        "× first row",
        "without appends",
        "× first row",
        "wire B/record",
        "× body",
        "gateway util",
        "generator util",
    ]);
    let appends = quiet.cpu_s_per_million / f64::from(readers.max(1));
    let cpu = |run: &Live| run.cpu_s_per_million;
    let delivery = |run: &Live| run.cpu_s_per_million - appends;
    for run in rows {
        let beside = |figure: &dyn Fn(&Live) -> f64| number(figure(run) / figure(&rows[0]));
        table.row(vec![
            run.way.to_string(),
            run.connections.to_string(),
            number(run.delivered_per_second),
            number(run.latency_ms.p50),
            number(run.latency_ms.p99),
            format!("{}/{}/{}", run.lost, run.duplicated, run.reordered),
            number(cpu(run)),
            beside(&cpu),
            number(delivery(run)),
            beside(&delivery),
            number(run.wire_bytes_per_record),
            number(run.wire_bytes_per_record / run.body_bytes.max(1) as f64),
            number(run.target_util),
            number(run.generator_util),
        ]);
    }
    table
}

/// Logs that are read from their start; ratios are to the first row.
pub fn replay_table(rows: &[Replay]) -> Table {
    let mut table = Table::new(&[
        "transport",
        "connections",
        "records/s",
        "CPU-s/M",
        "× first row",
        "generator CPU-s/M",
        "wire B/record",
        "× body",
        "faults",
    ]);
    for run in rows {
        table.row(vec![
            run.way.to_string(),
            run.connections.to_string(),
            number(run.delivered_per_second),
            number(run.cpu_s_per_million),
            number(run.cpu_s_per_million / rows[0].cpu_s_per_million),
            number(run.generator_cpu_s_per_million),
            number(run.wire_bytes_per_record),
            number(run.wire_bytes_per_record / run.body_bytes.max(1) as f64),
            run.faults.to_string(),
        ]);
    }
    table
}

/// Open connections.
pub fn kept_table(rows: &[Memory]) -> Table {
    let mut table = Table::new(&[
        "connection",
        "reads",
        "connections",
        "KiB/connection",
        "bar KiB",
        "connect CPU µs",
        "reads alive",
    ]);
    for run in rows {
        let Kept { via, reads } = run.kept;
        table.row(vec![
            via.to_string(),
            reads.to_string(),
            run.connections.to_string(),
            number(run.bytes_per_connection / KIB),
            bar(run.kept).map(|bar| bar.to_string()).unwrap_or_default(),
            number(run.cpu_us_per_connect),
            format!("{} of {}", run.alive, u64::from(run.connections) * u64::from(reads)),
        ]);
    }
    table
}

/// Times to a first record; ratios are to the first row.
pub fn firsts_table(rows: &[Firsts]) -> Table {
    let mut table = Table::new(&[
        "transport",
        "cold p50 / p99 ms",
        "× first row",
        "resumed p50 / p99 ms",
        "× first row",
        "warm p50 / p99 ms",
        "× first row",
    ]);
    for run in rows {
        let mut cells = vec![run.via.to_string()];
        for figure in
            [|run: &Firsts| run.cold_ms, |run: &Firsts| run.resumed_ms, |run: &Firsts| run.warm_ms]
        {
            let Latency { p50, p99, .. } = figure(run);
            cells.push(format!("{} / {}", number(p50), number(p99)));
            cells.push(number(p50 / figure(&rows[0]).p50));
        }
        table.row(cells);
    }
    table
}

/// What issue 5 allows an idle connection, KiB. It names the transports without TLS, and those that
/// have none without it.
fn bar(kept: Kept) -> Option<u32> {
    match kept.via {
        _ if kept.reads > 1 => None,
        Via::Sse1 | Via::Socket => Some(16),
        Via::Session => Some(40),
        Via::Sse2 | Via::Sse3 | Via::SecureSocket => None,
    }
}
