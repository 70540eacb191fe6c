//! What a server is started with.

/// Options of a test server, as lines of `redis.conf`.
#[derive(Clone, Debug, Default)]
pub struct Config {
    lines: Vec<String>,
    password: Option<String>,
}

impl Config {
    /// Nothing is written to disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Any line of `redis.conf`.
    pub fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    /// Every write is synced to an append-only file before it is answered.
    pub fn durable(self) -> Self {
        self.line("appendonly yes").line("appendfsync always")
    }

    /// Requires a password.
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self.line(format!("requirepass {password}")).line(format!("masterauth {password}"))
    }

    /// Bounds memory.
    pub fn maxmemory(self, bytes: u64, policy: &str) -> Self {
        self.line(format!("maxmemory {bytes}")).line(format!("maxmemory-policy {policy}"))
    }

    /// Follows another server on this machine.
    pub fn replica_of(self, port: u16) -> Self {
        self.line(format!("replicaof 127.0.0.1 {port}"))
    }

    pub(super) fn secret(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// The configuration file of a server on `port` that keeps its files in `dir`.
    pub(super) fn text(&self, port: u16, dir: &std::path::Path) -> String {
        let mut lines = vec![
            format!("port {port}"),
            "bind 127.0.0.1".to_owned(),
            format!("dir {}", dir.display()),
            "save \"\"".to_owned(),
            "loglevel notice".to_owned(),
            "repl-diskless-sync-delay 0".to_owned(),
            "enable-debug-command yes".to_owned(),
        ];
        lines.extend(self.lines.iter().cloned());
        lines.join("\n") + "\n"
    }
}
