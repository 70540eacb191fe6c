//! The real binary as a child process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tidegate_store::servers::free_port;

use crate::client::Client;

/// The secret key of every configuration that is written here (root-style).
pub const KEY: &str = "tr_dev_chaos";

/// A `tidegate serve` that can be killed and started again on the same port and store.
#[derive(Debug)]
pub struct Gateway {
    config: PathBuf,
    /// `127.0.0.1:PORT`.
    pub address: String,
    /// The same with TLS, and with HTTP/3; if it was asked for.
    pub secure: Option<SocketAddr>,
    child: Option<Child>,
}

impl Gateway {
    /// Writes a configuration into `dir` and starts the binary. `agents` is TOML.
    pub async fn start(dir: &Path, store: &str, agents: &str) -> Self {
        let address = format!("127.0.0.1:{}", free_port(&[]));
        let server = format!("listen = \"{address}\"\n");
        let text = configuration(&address, &server, store, agents);
        Self::configured(dir, address, &text).await
    }

    /// The same with a second address, for TLS and HTTP/3. `cert` and `key` are PEM files.
    pub async fn start_secure(
        dir: &Path,
        store: &str,
        agents: &str,
        (cert, key): (&Path, &Path),
    ) -> Self {
        let port = free_port(&[]);
        let address = format!("127.0.0.1:{port}");
        let secure = SocketAddr::from(([127, 0, 0, 1], free_port(&[port])));
        let (cert, key) = (cert.display(), key.display());
        let server = format!(
            "listen = \"{secure}\"\nlisten_plain = \"{address}\"\n\
             tls = {{ cert = \"{cert}\", key = \"{key}\" }}\n"
        );
        let text = configuration(&address, &server, store, agents);
        let mut gateway = Self::configured(dir, address, &text).await;
        gateway.secure = Some(secure);
        gateway
    }

    /// The same with a whole configuration, which listens without TLS at `address`.
    pub async fn configured(dir: &Path, address: String, text: &str) -> Self {
        let config = dir.join("tidegate.toml");
        std::fs::write(&config, text).expect("the directory is writable");
        let mut gateway = Self { config, address, secure: None, child: None };
        gateway.restart().await;
        gateway
    }

    /// Starts the binary and waits until it is ready.
    pub async fn restart(&mut self) {
        let child = Command::new(binary())
            .args(["serve", "--config"])
            .arg(&self.config)
            .env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| "error".into()))
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary was built: run tests/run, or cargo build -p tidegate-server");
        self.child = Some(child);
        loop {
            if let Some(status) = self.child.as_mut().and_then(|c| c.try_wait().ok().flatten()) {
                panic!("the gateway exited with {status}");
            }
            match self.client().get("/ready").await {
                Ok(answer) if answer.status == 200 => return,
                _ => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the child runs");
            child.wait().expect("the child was killed");
        }
    }

    /// Sends a signal and does not wait.
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        Command::new("kill").args([name, &pid]).status().expect("kill exists");
    }

    /// The exit status, once the process has ended by itself.
    pub async fn ended(&mut self) -> std::process::ExitStatus {
        loop {
            let child = self.child.as_mut().expect("it runs");
            if let Some(status) = child.try_wait().expect("it is a child") {
                self.child = None;
                return status;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Does the process run?
    pub fn runs(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Another process with the same configuration.
    pub async fn successor(&self) -> Self {
        let (config, address, secure) = (self.config.clone(), self.address.clone(), self.secure);
        let mut successor = Self { config, address, secure, child: None };
        successor.restart().await;
        successor
    }

    /// SIGTERM; the exit status.
    pub fn terminate(&mut self) -> std::process::ExitStatus {
        let mut child = self.child.take().expect("it runs");
        let pid = child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().expect("kill exists");
        child.wait().expect("the child was told to exit")
    }

    /// The child's process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// A client with the secret key.
    pub fn client(&self) -> Client {
        Client::new(&self.address, KEY)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.kill();
    }
}

fn configuration(address: &str, server: &str, store: &str, agents: &str) -> String {
    format!(
        "[server]\n{server}public_url = \"http://{address}\"\n\
         [store]\nurl = \"{store}\"\n\
         [[environment]]\nname = \"dev\"\nsecret_keys = [\"{KEY}\"]\n{agents}"
    )
}

/// The binary: `TIDEGATE_BIN`, or the one beside this test's own.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("TIDEGATE_BIN") {
        return path.into();
    }
    let mut path = std::env::current_exe().expect("a test has a path");
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    path.join("tidegate")
}
