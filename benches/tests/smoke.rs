//! The generator against its own floor: what it counts has to be right before it counts anything
//! else.

use std::path::PathBuf;

use tidegate_benches::load::{Plan, paced};
use tidegate_benches::target::{Backend, Kind, Target};

fn floor() -> Target {
    let kind = Kind::Floor { binary: PathBuf::from(env!("CARGO_BIN_EXE_tidegate-bench")) };
    Target::start(&kind, &Backend::Demo).expect("the floor starts")
}

#[test]
fn every_record_arrives_once_and_in_order() {
    let plan = Plan { sessions: 5, readers: 2, rate: 20, seconds: 1, is_bulk: false };
    let run = paced(&floor(), &plan).expect("the run ends");
    assert_eq!((run.lost, run.duplicated, run.reordered), (0, 0, 0), "{run:?}");
    assert!(run.delivered_per_second > 0.0, "{run:?}");
}
