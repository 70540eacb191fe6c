//! A real balancer with the configuration that users copy: only addresses are filled in.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tidegate_store::servers::free_port;
use tidegate_tests::client::Client;
use tidegate_tests::process::KEY;

use crate::gateway::{Gateway, until_ready};

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Haproxy,
    Caddy,
}

/// What stands around the file, which goes into `http {}`. One process, so that its end is its end.
const NGINX: &str = "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\n\
                     events { worker_connections 512; }\nhttp {\n  access_log off;\n  \
                     client_body_temp_path body;\n  proxy_temp_path proxy;\n  \
                     fastcgi_temp_path fastcgi;\n  uwsgi_temp_path uwsgi;\n  \
                     scgi_temp_path scgi;\n  include tidegate.conf;\n}\n";

/// Stopped when dropped.
pub(crate) struct Balancer {
    kind: Kind,
    dir: TempDir,
    /// Where clients go.
    pub(crate) address: String,
    /// Where S2 appends go.
    pub(crate) s2_address: String,
    child: Child,
}

impl Balancer {
    /// In front of one gateway, which is in the configuration twice, or of two.
    pub(crate) async fn start(kind: Kind, gateways: [&Gateway; 2]) -> Self {
        Self::with(kind, gateways, |config| config).await
    }

    /// With a change of the configuration.
    pub(crate) async fn with(
        kind: Kind,
        gateways: [&Gateway; 2],
        change: impl FnOnce(String) -> String,
    ) -> Self {
        let dir = TempDir::new().expect("a temporary folder");
        let (port, s2_port) = (free_port(&[]), free_port(&[]));
        let mut config = Fill(read(kind.file()));
        config.all("127.0.0.1:8787", &gateways[0].address);
        config.all("127.0.0.1:8788", &gateways[1].address);
        match kind {
            Kind::Nginx => {
                config.all("listen 8080", &format!("listen 127.0.0.1:{port}"));
                config.all("listen 8081", &format!("listen 127.0.0.1:{s2_port}"));
            }
            Kind::Haproxy => config.all("bind :8080", &format!("bind 127.0.0.1:{port}")),
            Kind::Caddy => {
                config.all("\n:8080 {", &format!("\n:{port} {{\n\tbind 127.0.0.1"));
                // The port of its own API is taken when another one runs.
                config.all("\n{\n", "\n{\n\tadmin off\n");
            }
        }
        std::fs::write(dir.path().join(kind.file()), change(config.0)).expect("writable");
        let child = kind.spawn(dir.path());
        let address = format!("127.0.0.1:{port}");
        let s2_port = if kind == Kind::Nginx { s2_port } else { port };
        let s2_address = format!("127.0.0.1:{s2_port}");
        let mut balancer = Self { kind, dir, address, s2_address, child };
        until_ready(&balancer.client(), &mut balancer.child).await;
        balancer
    }

    /// Through it.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.address, KEY)
    }

    /// Ends it with everything that runs through it, and starts it again.
    pub(crate) async fn restart(&mut self) {
        self.stop();
        self.child = self.kind.spawn(self.dir.path());
        until_ready(&self.client(), &mut self.child).await;
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Kind {
    fn file(self) -> &'static str {
        match self {
            Self::Nginx => "tidegate.conf",
            Self::Haproxy => "haproxy.cfg",
            Self::Caddy => "Caddyfile",
        }
    }

    fn spawn(self, dir: &Path) -> Child {
        let mut command = match self {
            Self::Nginx => {
                std::fs::write(dir.join("nginx.conf"), NGINX).expect("writable");
                let mut command = Command::new("nginx");
                command.arg("-p").arg(dir).args(["-e", "stderr", "-c", "nginx.conf"]);
                command
            }
            Self::Haproxy => {
                let mut command = Command::new("haproxy");
                command.args(["-db", "-q", "-f", self.file()]);
                command
            }
            Self::Caddy => {
                let mut command = Command::new("caddy");
                command.args(["run", "--adapter", "caddyfile", "--config", self.file()]);
                command.env("HOME", dir).env("XDG_DATA_HOME", dir).env("XDG_CONFIG_HOME", dir);
                command
            }
        };
        // What it says matters only to who looks for a fault.
        let log = std::fs::File::create(dir.join("log")).expect("writable");
        let spawned = command.current_dir(dir).stdout(Stdio::null()).stderr(log).spawn();
        spawned.unwrap_or_else(|error| panic!("{self:?} is a Debian package: {error}"))
    }
}

/// A file of `spec/deploy/balancers`.
pub(crate) fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/deploy/balancers").join(file)
}

fn read(file: &str) -> String {
    let file = if file == "tidegate.conf" { "nginx.conf" } else { file };
    std::fs::read_to_string(path(file)).expect("a file of the documentation")
}

/// A configuration that is filled in.
struct Fill(String);

impl Fill {
    /// Replaces what has to be there.
    fn all(&mut self, old: &str, new: &str) {
        assert!(self.0.contains(old), "the configuration has no {old}");
        self.0 = self.0.replace(old, new);
    }
}
