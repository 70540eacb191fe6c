//! What a server is started with.

/// Options of a test server, as lines of `redis.conf`.
#[derive(Clone, Debug, Default)]
pub struct Config {
    lines: Vec<String>,
    password: Option<String>,
    tls: bool,
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

    /// Serves TLS too, with the files `cert.pem` and `key.pem` of `folder`, on the port that
    /// [`tls_port`](super::Redis::tls_port) says.
    pub fn tls(mut self, folder: &std::path::Path) -> Self {
        self.tls = true;
        let file = |name: &str| folder.join(name).display().to_string();
        self.line(format!("tls-cert-file {}", file("cert.pem")))
            .line(format!("tls-key-file {}", file("key.pem")))
            .line("tls-auth-clients no")
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
        if self.tls {
            lines.push(format!("tls-port {}", tls_port(port)));
        }
        lines.extend(self.lines.iter().cloned());
        lines.join("\n") + "\n"
    }
}

/// How far above its port a server has the bus of its Cluster.
pub(super) const CLUSTER_BUS: u16 = 10_000;

/// Where a server on `port` serves TLS: there the bus of a Cluster would be.
pub(super) fn tls_port(port: u16) -> u16 {
    port + CLUSTER_BUS
}
