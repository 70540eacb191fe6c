//! A Redis of the run's own.

use std::fs;
use std::io;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::process::free_port;
use super::{GENERATOR_CORE, TARGET_CORE, pin};
use crate::net::Resp;

const START_PATIENCE: Duration = Duration::from_secs(10);
const START_POLL: Duration = Duration::from_millis(5);

/// A running server that keeps everything in memory; killed when dropped.
#[derive(Debug)]
pub struct Server {
    /// `127.0.0.1:PORT`.
    pub address: String,
    child: Child,
    _directory: TempDir,
}

impl Server {
    /// Starts `redis-server`, or what `TIDEGATE_REDIS_SERVER` names, on the target's core.
    pub fn start() -> io::Result<Self> {
        let directory = tempfile::tempdir()?;
        let port = free_port()?;
        let config = directory.path().join("redis.conf");
        let text = format!(
            "port {port}\nbind 127.0.0.1\nsave \"\"\nappendonly no\nmaxmemory-policy noeviction\n\
             user bench on >bench ~* &* +@all\n"
        );
        fs::write(&config, text)?;
        let binary = std::env::var("TIDEGATE_REDIS_SERVER");
        let binary = binary.unwrap_or_else(|_| "redis-server".to_owned());
        let mut command = Command::new(&binary);
        command.arg(&config).current_dir(directory.path()).stdout(Stdio::null());
        pin(TARGET_CORE)?;
        let child = command.spawn();
        pin(GENERATOR_CORE)?;
        let child = child.map_err(|error| io::Error::other(format!("{binary}: {error}")))?;
        let address = format!("127.0.0.1:{port}");
        let server = Self { address, child, _directory: directory };
        let since = Instant::now();
        loop {
            match server.connect().and_then(|mut connection| connection.ask(&["PING"])) {
                Ok(_) => return Ok(server),
                Err(error) if since.elapsed() > START_PATIENCE => return Err(error),
                Err(_) => std::thread::park_timeout(START_POLL),
            }
        }
    }

    /// A connection that may do everything.
    pub fn connect(&self) -> io::Result<Resp> {
        Resp::connect(&self.address)
    }

    /// As gateways are told.
    pub fn url(&self) -> String {
        format!("redis://bench:bench@{}", self.address)
    }

    /// Gateways may not subscribe from now on, and lose what they have.
    pub fn forbid_subscriptions(&self) -> io::Result<()> {
        let mut redis = self.connect()?;
        redis.ask(&["ACL", "SETUSER", "bench", "-subscribe", "-psubscribe", "-ssubscribe"])?;
        redis.ask(&["CLIENT", "KILL", "TYPE", "pubsub"])?;
        Ok(())
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have exited by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
