//! The child process.

use std::fmt::Write as _;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::certificate::{CERT, CERT_KEY};
use super::{AGENT, Backend, GENERATOR_CORE, Kind, Store, TARGET_CORE, pin};
use crate::net::{Control, KEY};

const START_PATIENCE: Duration = Duration::from_secs(20);
const START_POLL: Duration = Duration::from_millis(5);

/// A running target; killed when dropped.
#[derive(Debug)]
pub struct Target {
    /// `127.0.0.1:PORT`.
    pub address: String,
    /// Where it speaks TLS and HTTP/3, if it was started so.
    pub secure: Option<String>,
    child: Child,
    /// Configuration and temporary store, deleted after the run.
    _directory: TempDir,
}

impl Target {
    /// Starts it on its core, pins the caller to the other one, and waits until it is ready.
    /// `backend` serves the gateway's agent; the floor has none. The environment is its own, since
    /// a store that is not made for the run keeps the sessions of the last one.
    pub fn start(kind: &Kind, backend: &Backend) -> io::Result<Self> {
        let address = format!("127.0.0.1:{}", free_port()?);
        let environment = address.replace([':', '.'], "-");
        Self::start_at(address, None, &environment, kind, backend)
    }

    /// A gateway as [`start`](Self::start) starts it, which speaks TLS and HTTP/3 at another port
    /// as well.
    pub fn start_secure(kind: &Kind, backend: &Backend) -> io::Result<Self> {
        let (address, secure) = (free_port()?, free_port()?);
        let [address, secure] = [address, secure].map(|port| format!("127.0.0.1:{port}"));
        let environment = address.replace([':', '.'], "-");
        Self::start_at(address, Some(secure), &environment, kind, backend)
    }

    /// As [`start`](Self::start), in an environment that other gateways serve too.
    pub fn start_in(environment: &str, kind: &Kind, backend: &Backend) -> io::Result<Self> {
        Self::start_at(format!("127.0.0.1:{}", free_port()?), None, environment, kind, backend)
    }

    fn start_at(
        address: String,
        secure: Option<String>,
        environment: &str,
        kind: &Kind,
        backend: &Backend,
    ) -> io::Result<Self> {
        let directory = tempfile::tempdir()?;
        let mut command = match kind {
            Kind::Floor { binary } => {
                let mut command = Command::new(binary);
                command.args(["serve-floor", "--listen", &address]);
                command
            }
            Kind::Gateway { binary, store } => {
                let config = directory.path().join("tidegate.toml");
                let store = match store {
                    Store::TemporaryDisk => format!("disk:{}/data", directory.path().display()),
                    store => store.to_string(),
                };
                let server = match &secure {
                    Some(secure) => with_tls(directory.path(), &address, secure)?,
                    None => format!("listen = \"{address}\""),
                };
                std::fs::write(&config, configuration(&server, environment, &store, backend))?;
                let mut command = Command::new(binary);
                command.args(["serve", "--config"]).arg(&config).env("RUST_LOG", "warn");
                command
            }
        };
        pin(TARGET_CORE)?;
        let child = command.stdout(Stdio::null()).spawn();
        pin(GENERATOR_CORE)?;
        let child = child
            .map_err(|error| io::Error::other(format!("{:?}: {error}", command.get_program())))?;
        let mut target = Self { address, secure, child, _directory: directory };
        target.wait_ready()?;
        Ok(target)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn wait_ready(&mut self) -> io::Result<()> {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Err(io::Error::other(format!("the target exited: {status}")));
            }
            let asked =
                Control::connect(&self.address).and_then(|mut c| c.request("GET /ready", ""));
            match asked {
                Ok((200, _)) => return Ok(()),
                Ok((code, _)) if since.elapsed() > START_PATIENCE => {
                    return Err(io::Error::other(format!("/ready still answers {code}")));
                }
                Err(error) if since.elapsed() > START_PATIENCE => return Err(error),
                _ => std::thread::park_timeout(START_POLL),
            }
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // It may have exited by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The gateway's binary: the option, or `target/release/tidegate` of the working directory.
pub fn binary(option: Option<PathBuf>) -> io::Result<PathBuf> {
    let path = option.unwrap_or_else(|| "target/release/tidegate".into());
    if path.is_file() {
        return Ok(path);
    }
    let hint = "build it (cargo build --release -p tidegate-server) or give --bin";
    Err(io::Error::other(format!("{}: no such binary; {hint}", path.display())))
}

pub(super) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The keys of `[server]`, with the certificate beside them.
fn with_tls(directory: &Path, address: &str, secure: &str) -> io::Result<String> {
    let (cert, key) = (directory.join("cert.pem"), directory.join("key.pem"));
    std::fs::write(&cert, CERT)?;
    std::fs::write(&key, CERT_KEY)?;
    Ok(format!(
        "listen = \"{secure}\"\nlisten_plain = \"{address}\"\n\
         [server.tls]\ncert = \"{}\"\nkey = \"{}\"",
        cert.display(),
        key.display()
    ))
}

fn configuration(server: &str, environment: &str, store: &str, backend: &Backend) -> String {
    let mut text = format!(
        "[server]\n{server}\n[store]\nurl = \"{store}\"\n\
         [[environment]]\nname = \"{environment}\"\nsecret_keys = [\"{KEY}\"]\n"
    );
    let agent = format!("[[agent]]\nid = \"{AGENT}\"\nbackend =");
    match backend {
        Backend::AiSdk(url) => writeln!(text, "{agent} \"ai_sdk\"\nurl = \"{url}\""),
        Backend::Demo => writeln!(text, "{agent} \"demo\""),
        Backend::Link => Ok(()),
    }
    .expect("a String takes every write");
    text
}
