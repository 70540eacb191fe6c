//! One server.

use std::net::Ipv4Addr;

use redis::{Client, ConnectionAddr, ConnectionInfo, FromRedisValue, IntoConnectionInfo};
use redis::{RedisConnectionInfo, RedisResult};
use tempfile::TempDir;

use super::config::{CLUSTER_BUS, Config, tls_port};
use super::ports::free_port;
use super::process::Process;

/// A server of Redis or Valkey. It ends when it is dropped.
#[derive(Debug)]
pub struct Redis {
    config: Config,
    port: u16,
    dir: TempDir,
    process: Option<Process>,
}

const READY: &str = "Ready to accept connections";

impl Redis {
    /// Starts a server and waits until it accepts connections. The program is `redis-server`, or
    /// what `TIDEGATE_REDIS_SERVER` names.
    ///
    /// # Panics
    /// If none starts.
    pub fn start(config: Config) -> Self {
        for _ in 0..PORTS {
            let mut server = Self {
                config: config.clone(),
                port: free_port(&[CLUSTER_BUS]),
                dir: tempfile::tempdir().expect("a directory"),
                process: None,
            };
            if server.launch() {
                return server;
            }
        }
        panic!("no server started on {PORTS} ports");
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its port for TLS, if it serves that.
    pub fn tls_port(&self) -> u16 {
        tls_port(self.port)
    }

    /// Its URL, with its credentials.
    pub fn url(&self) -> String {
        let secret = self.config.secret().map(|secret| format!(":{secret}@"));
        format!("redis://{}127.0.0.1:{}", secret.unwrap_or_default(), self.port)
    }

    /// Runs one command and gives its answer.
    pub fn ask<T: FromRedisValue>(&self, command: &[&str]) -> RedisResult<T> {
        let mut settings = RedisConnectionInfo::default();
        if let Some(secret) = self.config.secret() {
            settings = settings.set_password(secret);
        }
        let address = ConnectionAddr::Tcp(Ipv4Addr::LOCALHOST.to_string(), self.port);
        let info: ConnectionInfo = address.into_connection_info()?.set_redis_settings(settings);
        let mut connection = Client::open(info)?.get_connection()?;
        let mut cmd = redis::cmd(command[0]);
        cmd.arg(&command[1..]);
        cmd.query(&mut connection)
    }

    /// Ends the server at once, as a crash does.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again on the same port with the same files.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.kill();
        assert!(self.launch(), "port {} was taken by another", self.port);
    }

    /// Stops it from running, without ending it.
    ///
    /// # Panics
    /// If it does not run.
    pub fn pause(&self) {
        self.process.as_ref().expect("it runs").signal("STOP");
    }

    /// Lets it run on.
    ///
    /// # Panics
    /// If it does not run.
    pub fn resume(&self) {
        self.process.as_ref().expect("it runs").signal("CONT");
    }

    pub(super) fn start_sentinel(config: &Config) -> Self {
        let mut server = Self {
            config: config.clone(),
            port: free_port(&[CLUSTER_BUS]),
            dir: tempfile::tempdir().expect("a directory"),
            process: None,
        };
        let file = server.dir.path().join("sentinel.conf");
        let lines = config.text(server.port, server.dir.path());
        let lines = lines.lines().filter(|line| !line.starts_with("save") && !server_only(line));
        std::fs::write(&file, lines.collect::<Vec<_>>().join("\n")).expect("written");
        server.process = Process::start(&file, &["--sentinel"], "+monitor");
        assert!(server.process.is_some(), "a Sentinel starts");
        server
    }

    fn launch(&mut self) -> bool {
        let file = self.dir.path().join("redis.conf");
        // What the server wrote into its configuration stays over a restart.
        if !file.exists() {
            std::fs::write(&file, self.config.text(self.port, self.dir.path())).expect("written");
        }
        self.process = Process::start(&file, &[], READY);
        self.process.is_some()
    }
}

const PORTS: usize = 20;

fn server_only(line: &str) -> bool {
    line.starts_with("repl-") || line.starts_with("enable-debug")
}
