//! What a process has used, from `/proc`.

use std::fs;
use std::io;
use std::time::Duration;

/// Linux counts the times of `/proc/PID/stat` in this unit on every architecture it runs on.
const TICK: Duration = Duration::from_millis(10);

/// Memory of a process, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Resident.
    pub rss: u64,
    /// Resident, shared pages counted in part.
    pub pss: u64,
}

/// User and system time of all threads, also those that ended.
pub fn cpu(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold anything; utime and stime are fields 14 and 15.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
    let ticks: u32 = ticks.sum::<Result<_, _>>().map_err(io::Error::other)?;
    Ok(TICK * ticks)
}

/// What the process holds now.
pub fn memory(pid: u32) -> io::Result<Memory> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let field = |name: &str| {
        let line = rollup.lines().find_map(|line| line.strip_prefix(name)?.strip_suffix(" kB"));
        let kib = line.and_then(|value| value.trim().parse::<u64>().ok());
        kib.map(|kib| kib * 1024).ok_or_else(|| io::Error::other(format!("no {name} in smaps")))
    };
    Ok(Memory { rss: field("Rss:")?, pss: field("Pss:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_uses_memory() {
        let memory = memory(std::process::id()).expect("this process runs");
        assert!(memory.pss > 0 && memory.pss <= memory.rss, "{memory:?}");
        cpu(std::process::id()).expect("this process runs");
    }
}
