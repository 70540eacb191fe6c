//! The readers of every transport against the real gateway: what they count has to be right before
//! it is a figure.

use std::path::PathBuf;
use std::time::Duration;

use tidegate_benches::load::{
    FirstPlan, Kept, LivePlan, ReplayPlan, Way, fill_log, firsts, kept, live, replay,
};
use tidegate_benches::target::{Backend, Kind, Store, Target};
use tidegate_benches::transports::Via;

/// The binary that `TIDEGATE_BIN` names, or the one that was built beside this crate's.
fn gateway() -> Kind {
    let beside = || PathBuf::from(env!("CARGO_BIN_EXE_tidegate-bench")).with_file_name("tidegate");
    let binary = std::env::var_os("TIDEGATE_BIN").map_or_else(beside, PathBuf::from);
    assert!(binary.is_file(), "build it first: cargo build -p tidegate-server");
    Kind::Gateway { binary, store: Store::Memory }
}

fn target() -> Target {
    Target::start_secure(&gateway(), &Backend::Demo).expect("the gateway starts")
}

#[test]
fn live_records_arrive_once_and_in_order_over_every_transport() {
    let target = target();
    let plan = LivePlan { sessions: 6, readers: 2, rate: 10, seconds: 1 };
    // A run is mostly waiting, so they wait together.
    std::thread::scope(|scope| {
        for (at, way) in Way::of(&Via::ALL, 4).into_iter().enumerate() {
            let (target, plan) = (&target, &plan);
            scope.spawn(move || {
                let run = live(target, plan, way, &format!("live-{at}")).expect("the run ends");
                assert_eq!((run.lost, run.duplicated, run.reordered), (0, 0, 0), "{run:?}");
                let connections = if way.reads == 1 { 12 } else { 4 };
                assert_eq!(run.connections, connections, "{run:?}");
                assert!(run.wire_bytes_per_record > run.body_bytes as f64, "{run:?}");
                assert!(run.body_bytes > 0, "{run:?}");
            });
        }
    });
}

#[test]
fn logs_arrive_once_and_in_order_over_every_transport() {
    let target = target();
    let plan = ReplayPlan { sessions: 5, records: 1_200, rounds: 1 };
    fill_log(&target, &plan).expect("the log is written");
    for way in Way::of(&Via::ALL, 3) {
        let run = replay(&target, &plan, way).expect("the run ends");
        assert_eq!(run.faults, 0, "{run:?}");
        assert!(run.wire_bytes_per_record > run.body_bytes as f64, "{run:?}");
    }
}

#[test]
fn a_first_record_comes_over_every_transport() {
    let plan = FirstPlan { tries: 2, records: 10 };
    let rows = firsts(&target(), &plan, &Via::ALL).expect("the run ends");
    let seen: Vec<_> = rows.iter().map(|row| row.via).collect();
    assert_eq!(seen, Via::ALL);
}

#[test]
fn kept_connections_are_alive() {
    for via in Via::ALL {
        let reads = if via.is_shared() { 2 } else { 1 };
        let run = kept(&gateway(), Kept { via, reads }, 3, Duration::ZERO).expect("the run ends");
        assert_eq!(run.alive, u64::from(3 * reads), "{via}");
    }
}
