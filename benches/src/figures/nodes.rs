//! The table of gateways that share a Redis.

use super::Table;
use super::markdown::number;
use crate::load::{Harm, Nodes, ReadersAt};

/// One row for each run.
pub fn nodes_table<'a>(rows: impl IntoIterator<Item = &'a Nodes>) -> Table {
    let mut table = Table::new(&[
        "readers at",
        "appends",
        "pub/sub",
        "sessions × readers × rate",
        "delivered/s",
        "p50 ms",
        "p99 ms",
        "lost/dup/reorder",
        "gateways CPU-s/M",
        "Redis CPU-s/M",
        "batches",
        "scripts/batch",
        "reads",
        "beats",
        "scripts/socket read",
    ]);
    for run in rows {
        let (plan, paced, counts) = (&run.plan.load, &run.paced, &run.counts);
        let harm = match run.plan.harm {
            Harm::None => "works",
            Harm::Cut => "cut 5/s",
            Harm::Forbidden => "forbidden",
        };
        let readers_at = match run.plan.readers_at {
            ReadersAt::Alone => "the only",
            ReadersAt::Same => "the same",
            ReadersAt::Other => "the other",
        };
        table.row(vec![
            readers_at.to_owned(),
            if plan.is_bulk { "what is due" } else { "single" }.to_owned(),
            harm.to_owned(),
            format!("{} × {} × {}", plan.sessions, plan.readers, plan.rate),
            number(paced.delivered_per_second),
            number(paced.latency_ms.p50),
            number(paced.latency_ms.p99),
            format!("{}/{}/{}", paced.lost, paced.duplicated, paced.reordered),
            number(run.gateways_cpu_s_per_million),
            number(run.redis_cpu_s_per_million),
            counts.entries.to_string(),
            number(counts.scripts_per_entry()),
            counts.reads.to_string(),
            counts.beats.to_string(),
            number(counts.scripts as f64 / counts.socket_reads.max(1) as f64),
        ]);
    }
    table
}
