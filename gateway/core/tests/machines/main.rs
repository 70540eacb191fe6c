//! The pure machines of turns and of runs, against a simulated store, clients that append at any
//! time, and backends and workers that fail, with crashes of the gateway between any two effects.
//! Deterministic: a failing seed is printed, and `TIDEGATE_SEED` replays it alone.

mod runs;
mod support;
mod turns;
