//! What a server says of itself.

use std::collections::HashMap;
use std::sync::Arc;

use redis::Value;

/// The answer to `INFO`.
#[derive(Debug, Default)]
pub(super) struct Info(HashMap<String, String>);

impl Info {
    pub(super) fn parse(value: &Value) -> Self {
        let text = match value {
            Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Value::VerbatimString { text, .. } | Value::SimpleString(text) => text.clone(),
            _ => String::new(),
        };
        let pairs = text.lines().filter_map(|line| line.trim_end().split_once(':'));
        Self(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
    }

    pub(super) fn get(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    /// What tells this reign of the server from its others, and from those of other servers. The
    /// process is not enough: one that was demoted and promoted again may have lost what it had.
    /// The replication id is not enough: it is kept over a restart.
    pub(super) fn reign(&self) -> Arc<str> {
        let half = |name| self.get(name).get(..20).unwrap_or_default();
        format!("{}{}", half("run_id"), half("master_replid")).into()
    }

    /// Major version; Valkey says there which Redis it is compatible with.
    pub(super) fn major(&self) -> u32 {
        let version = self.get("redis_version");
        version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0)
    }

    /// `standalone`, `cluster` or `sentinel`; Valkey has another name for it.
    pub(super) fn mode(&self) -> &str {
        match self.get("redis_mode") {
            "" => self.get("server_mode"),
            mode => mode,
        }
    }

    /// Whether the server may throw keys away when memory gets short.
    pub(super) fn evicts(&self) -> bool {
        !matches!(self.get("maxmemory"), "" | "0") && self.get("maxmemory_policy") != "noeviction"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_pairs() {
        let text =
            "# Server\r\nredis_version:7.0.15\r\nmaxmemory:5\r\nmaxmemory_policy:allkeys-lru\r\n";
        let info = Info::parse(&Value::BulkString(text.as_bytes().to_vec()));
        assert_eq!((info.major(), info.get("maxmemory"), info.evicts()), (7, "5", true));
        assert!(!Info::default().evicts());
    }
}
