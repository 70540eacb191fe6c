//! What Redis says that it was asked to do.

use std::io;
use std::ops::Sub;

use serde::Serialize;

use crate::net::Resp;

/// Counted by the server; calls that scripts make count too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Counts {
    /// Scripts that gateways called.
    pub scripts: u64,
    /// Entries written: one for each appended batch.
    pub entries: u64,
    /// Reads that found records.
    pub reads: u64,
    /// Wake-ups published.
    pub hints: u64,
    /// Times that a gateway said that it is alive, each a script.
    pub beats: u64,
    /// Socket reads of the server.
    pub socket_reads: u64,
    /// Bytes that came.
    pub bytes_in: u64,
    /// Bytes that went.
    pub bytes_out: u64,
}

impl Counts {
    /// As they stand.
    pub fn now(redis: &mut Resp) -> io::Result<Self> {
        let commands = redis.ask(&["INFO", "commandstats"])?.concat();
        let stats = redis.ask(&["INFO", "stats"])?.concat();
        let calls = |name: &str| {
            let line = format!("cmdstat_{name}:calls=");
            number_after(&commands, &line).unwrap_or(0)
        };
        let stat = |name: &str| number_after(&stats, &format!("{name}:")).unwrap_or(0);
        Ok(Self {
            scripts: ["evalsha", "evalsha_ro", "fcall", "fcall_ro"].into_iter().map(calls).sum(),
            entries: calls("xadd"),
            reads: calls("xrevrange"),
            hints: calls("spublish"),
            beats: calls("hgetall"),
            socket_reads: stat("total_reads_processed"),
            bytes_in: stat("total_net_input_bytes"),
            bytes_out: stat("total_net_output_bytes"),
        })
    }

    /// Scripts other than beats, for each appended batch.
    pub fn scripts_per_entry(&self) -> f64 {
        self.scripts.saturating_sub(self.beats) as f64 / self.entries.max(1) as f64
    }
}

impl Sub for Counts {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            scripts: self.scripts - before.scripts,
            entries: self.entries - before.entries,
            reads: self.reads - before.reads,
            hints: self.hints - before.hints,
            beats: self.beats - before.beats,
            socket_reads: self.socket_reads - before.socket_reads,
            bytes_in: self.bytes_in - before.bytes_in,
            bytes_out: self.bytes_out - before.bytes_out,
        }
    }
}

/// The number that follows `start` at the beginning of a line.
pub(super) fn number_after(text: &str, start: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(start))?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    rest[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found() {
        let text = "# Stats\r\ncmdstat_xadd:calls=12,usec=8\r\ntotal:7\r\n";
        assert_eq!(number_after(text, "cmdstat_xadd:calls="), Some(12));
        assert_eq!(number_after(text, "total:"), Some(7));
        assert_eq!(number_after(text, "xadd:calls="), None);
    }
}
