//! What the process uses, as Linux tells it. Elsewhere nothing is told.

use super::exposition::Exposition;

/// Ticks per second of the times in `/proc`: a constant of Linux's interface.
const TICKS_PER_SECOND: f64 = 100.0;

/// Adds the usual `process_*` families, as far as the system tells them.
pub(super) fn render(document: &mut Exposition) {
    if let Some(bytes) = resident_bytes() {
        document.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", bytes);
    }
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    if let Some(seconds) = cpu_seconds(&stat) {
        let help = "Total user and system CPU time spent in seconds.";
        document.counter("process_cpu_seconds_total", help, format_args!("{seconds:.2}"));
    }
    if let Ok(entries) = std::fs::read_dir("/proc/self/fd") {
        document.gauge("process_open_fds", "Number of open file descriptors.", entries.count());
    }
    if let Some(threads) = field(&stat, 20) {
        document.gauge("process_threads", "Number of threads.", threads);
    }
}

fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    Some((field(stat, 14)? + field(stat, 15)?) as f64 / TICKS_PER_SECOND)
}

/// A numeric field of `stat`, counted from 1 as in its manual; the name of the program, which may
/// hold anything, is field 2.
fn field(stat: &str, number: usize) -> Option<u64> {
    let after_name = &stat[stat.rfind(')')? + 1..];
    after_name.split_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_past_a_strange_name() {
        let stat = "42 (a ) b) S 1 2 3 0 -1 4194304 5 6 7 8 150 50 0 0 20 0 9 0 77";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(field(stat, 20), Some(9));
        assert_eq!(field("", 20), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_described() {
        let mut document = Exposition::default();
        render(&mut document);
        let text = document.into_text();
        for name in
            ["process_resident_memory_bytes ", "process_cpu_seconds_total ", "process_open_fds "]
        {
            assert!(text.contains(&format!("\n{name}")), "{text}");
        }
    }
}
