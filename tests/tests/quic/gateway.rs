//! The real binary with TLS, HTTP/3 and a plain listener.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tidegate_store::servers::free_port;
use tidegate_tests::client::Client;
use tidegate_tests::process::{KEY, binary};

/// A self-signed certificate of `localhost`, for tests alone.
pub(crate) const CERT: &[u8] = include_bytes!("../http/localhost.cert.pem");
const CERT_KEY: &[u8] = include_bytes!("../http/localhost.key.pem");

/// A running gateway. It is killed when it is dropped.
pub(crate) struct Gateway {
    dir: TempDir,
    /// Of TLS over TCP, and of QUIC.
    pub(crate) port: u16,
    plain: String,
    child: Child,
}

impl Gateway {
    pub(crate) async fn start() -> Self {
        Self::with("", "").await
    }

    /// With more keys in `[server]`, and more tables.
    pub(crate) async fn with(server: &str, tables: &str) -> Self {
        Self::on(free_port(&[]), server, tables).await
    }

    /// On a port that was used before.
    pub(crate) async fn on(port: u16, server: &str, tables: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let file = |name: &str, content: &[u8]| -> PathBuf {
            let path = dir.path().join(name);
            std::fs::write(&path, content).expect("the folder is writable");
            path
        };
        let (cert, key) = (file("cert.pem", CERT), file("key.pem", CERT_KEY));
        let plain = format!("127.0.0.1:{}", free_port(&[]));
        let config = format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\nlisten_plain = \"{plain}\"\n\
             public_url = \"https://localhost:{port}\"\n{server}\n\
             [server.tls]\ncert = \"{}\"\nkey = \"{}\"\n[store]\nurl = \"memory:\"\n\
             [[environment]]\nname = \"dev\"\nsecret_keys = [\"{KEY}\"]\n\
             [[agent]]\nid = \"demo\"\nbackend = \"demo\"\nwords_per_second = 0\n{tables}",
            cert.display(),
            key.display(),
        );
        let config = file("tidegate.toml", config.as_bytes());
        let child = Command::new(binary())
            .args(["serve", "--config"])
            .arg(config)
            .env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| "error".into()))
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary was built: run tests/run, or cargo build -p tidegate-server");
        let mut gateway = Self { dir, port, plain, child };
        while gateway.tcp().get("/ready").await.map(|answer| answer.status).ok() != Some(200) {
            let exit = gateway.child.try_wait().expect("it is a child");
            assert!(exit.is_none(), "the gateway exited with {exit:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        gateway
    }

    /// A client of the plain listener.
    pub(crate) fn tcp(&self) -> Client {
        Client::new(&self.plain, KEY)
    }

    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().expect("kill exists");
    }

    /// Kills it; the port is free.
    pub(crate) fn kill(mut self) -> u16 {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was killed");
        self.port
    }

    /// The exit code, once it has ended by itself.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        loop {
            if let Some(status) = self.child.try_wait().expect("it is a child") {
                return status.code();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The value of a metric.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let answer = self.tcp().get("/metrics").await.expect("it is up");
        let text = String::from_utf8(answer.body.to_vec()).expect("text");
        let lines = text.lines().filter_map(|line| line.split_once(' '));
        let mut values = lines.filter(|(key, _)| *key == format!("tidegate_{name}"));
        let value = values.next().unwrap_or_else(|| panic!("no {name} in {text}")).1;
        value.parse().expect("a whole number")
    }

    /// Waits until a metric has a value.
    pub(crate) async fn until(&self, name: &str, value: u64) {
        let wait = async {
            while self.metric(name).await != value {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(20), wait).await;
        assert!(waited.is_ok(), "{name} is {}", self.metric(name).await);
    }

    /// Creates a session.
    pub(crate) async fn create(&self, name: &str) {
        let base = json!({"trigger": "preload", "chatId": name});
        let body = json!({"type": "chat.agent", "externalId": name, "taskIdentifier": "demo",
            "triggerConfig": {"basePayload": base}});
        let answer = self.tcp().post("/api/v1/sessions", &[], &body.to_string()).await;
        assert_eq!(answer.expect("it is up").status, 201);
    }

    /// Appends a chunk of text to `.out`.
    pub(crate) async fn emit(&self, name: &str, text: &str) {
        let chunk = json!({"type": "text-delta", "id": "t", "delta": text}).to_string();
        let path = format!("/realtime/v1/sessions/{name}/out/append");
        let answer = self.tcp().post(&path, &[], &chunk).await.expect("it is up");
        assert_eq!(answer.status, 200);
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended.
        _ = self.child.kill();
        _ = self.child.wait();
        assert!(self.dir.path().exists(), "its files were there to its end");
    }
}
