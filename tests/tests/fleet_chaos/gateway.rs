//! One of the gateways: the real binary, which can be killed, frozen, drained and started again.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tidegate_tests::client::Client;
use tidegate_tests::process::{KEY, binary};

use tidegate_store::servers::free_port;

/// Killed when dropped.
pub(crate) struct Gateway {
    pub(crate) address: String,
    config: PathBuf,
    log: PathBuf,
    child: Option<Child>,
}

impl Gateway {
    /// Starts one over the store at `url`.
    pub(crate) async fn start(dir: &Path, name: &str, url: &str) -> Self {
        let address = format!("127.0.0.1:{}", free_port(&[]));
        let text = format!(
            "[server]\nlisten = \"{address}\"\ntrusted_proxies = [\"127.0.0.0/8\"]\n\
             [store]\nurl = \"{url}\"\n\
             [drain]\ndelay = \"1500ms\"\nspread = \"500ms\"\ntimeout = \"15s\"\n\
             [[environment]]\nname = \"dev\"\nsecret_keys = [\"{KEY}\"]\n\
             [[agent]]\nid = \"demo\"\nbackend = \"demo\"\nwords_per_second = 0\n"
        );
        let (config, log) = (dir.join(format!("{name}.toml")), dir.join(format!("{name}.log")));
        std::fs::write(&config, text).expect("writable");
        let mut gateway = Self { address, config, log, child: None };
        gateway.spawn().await;
        gateway
    }

    /// Starts the process and waits until it is ready.
    pub(crate) async fn spawn(&mut self) {
        let log = OpenOptions::new().create(true).append(true).open(&self.log).expect("writable");
        let child = Command::new(binary())
            .args(["serve", "--config"])
            .arg(&self.config)
            .env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".into()))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the binary was built: run tests/run, or cargo build -p tidegate-server");
        let client = self.client();
        until_ready(&client, self.child.insert(child)).await;
    }

    /// Past the balancer.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.address, KEY)
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Freezes the process (SIGSTOP), or lets it run on.
    pub(crate) fn freeze(&self, frozen: bool) {
        self.signal(if frozen { "-STOP" } else { "-CONT" });
    }

    /// SIGTERM, and its end.
    pub(crate) async fn drain(&mut self) -> ExitStatus {
        self.signal("-TERM");
        let mut child = self.child.take().expect("it runs");
        loop {
            if let Some(status) = child.try_wait().expect("it is a child") {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// How often the process said that a stream had lost records, in all of its lives.
    pub(crate) fn said_lost(&self) -> usize {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        log.lines().filter(|line| line.contains("lost committed records")).count()
    }

    /// Panics in its log.
    pub(crate) fn panics(&self) -> Vec<String> {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        log.lines().filter(|line| line.contains("panicked at")).map(str::to_owned).collect()
    }

    fn signal(&self, name: &str) {
        let pid = self.child.as_ref().expect("it runs").id().to_string();
        Command::new("kill").args([name, &pid]).status().expect("kill exists");
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.kill();
        if let Some(folder) = std::env::var_os("TIDEGATE_KEEP_LOGS")
            && let Some(name) = self.log.file_name()
        {
            let kept = Path::new(&folder).join(name);
            let copied = File::open(&self.log)
                .and_then(|mut log| std::io::copy(&mut log, &mut File::create(kept)?));
            copied.expect("TIDEGATE_KEEP_LOGS is a folder");
        }
    }
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
    tokio::time::timeout(Duration::from_secs(60), ready).await.expect("ready");
}
