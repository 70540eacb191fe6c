//! Cores. The target gets one and the generator another, so that a figure is that of one core
//! and the two don't take turns.

use std::io;

use rustix::thread::{CpuSet, sched_setaffinity};

/// The target's core.
pub const TARGET_CORE: usize = 0;
/// The generator's core.
pub const GENERATOR_CORE: usize = 1;

/// Pins this thread, and what it starts from now on. Does nothing where there is one core.
pub fn pin(core: usize) -> io::Result<()> {
    // What is available shrinks with the first pinning, so the machine is asked instead.
    if cores() < 2 {
        return Ok(());
    }
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

/// Lets this thread, and what it starts from now on, run on every core.
pub fn unpin() -> io::Result<()> {
    let mut set = CpuSet::new();
    (0..cores()).for_each(|core| set.set(core));
    Ok(sched_setaffinity(None, &set)?)
}

/// Cores of the machine, whatever this thread is pinned to.
pub fn cores() -> usize {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    info.lines().filter(|line| line.starts_with("processor")).count()
}
