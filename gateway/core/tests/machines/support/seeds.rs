//! Runs a simulation for many seeds.

use std::panic::catch_unwind;

/// Runs `history` for `short` seeds, or `long` ones with `TIDEGATE_LONG`, or `TIDEGATE_SEED` alone.
pub(crate) fn each(short: u64, long: u64, history: fn(u64)) {
    let rounds = if std::env::var_os("TIDEGATE_LONG").is_some() { long } else { short };
    let seeds = match std::env::var("TIDEGATE_SEED") {
        Ok(seed) => vec![seed.parse().expect("a number")],
        Err(_) => (1..=rounds).collect::<Vec<u64>>(),
    };
    for seed in seeds {
        // What is wrong was printed by the panic itself.
        assert!(catch_unwind(|| history(seed)).is_ok(), "replay with TIDEGATE_SEED={seed}");
    }
}
