//! A gateway that believes the balancer.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tidegate_store::servers::free_port;
use tidegate_tests::client::Client;
use tidegate_tests::process::{KEY, binary};

/// Killed when dropped.
pub(crate) struct Gateway {
    pub(crate) address: String,
    child: Child,
    _dir: TempDir,
}

impl Gateway {
    /// Its own store, in memory; any agent may register.
    pub(crate) async fn start() -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let address = format!("127.0.0.1:{}", free_port(&[]));
        let config = format!(
            "[server]\nlisten = \"{address}\"\ntrusted_proxies = [\"127.0.0.0/8\"]\n\
             [store]\nurl = \"memory:\"\n\
             [[environment]]\nname = \"dev\"\nsecret_keys = [\"{KEY}\"]\n\
             [[agent]]\nid = \"demo\"\nbackend = \"demo\"\nwords_per_second = 0\n"
        );
        let child = serve(dir.path(), &config);
        let mut gateway = Self { address, child, _dir: dir };
        until_ready(&gateway.client(), &mut gateway.child).await;
        gateway
    }

    /// Past the balancer.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.address, KEY)
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.kill();
    }
}

fn serve(dir: &Path, config: &str) -> Child {
    let file = dir.join("tidegate.toml");
    std::fs::write(&file, config).expect("writable");
    Command::new(binary())
        .args(["serve", "--config"])
        .arg(&file)
        .env("RUST_LOG", "error")
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary was built: run tests/run, or cargo build -p tidegate-server")
}

/// Waits until `child` answers that it is ready, or a gateway behind it does.
pub(crate) async fn until_ready(client: &Client, child: &mut Child) {
    let ready = async {
        loop {
            if let Ok(Some(status)) = child.try_wait() {
                panic!("it exited with {status}");
            }
            match client.get("/ready").await {
                Ok(answer) if answer.status == 200 => return,
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ready).await.expect("ready");
}
