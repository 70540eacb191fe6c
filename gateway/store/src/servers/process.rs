//! A server's process. A shell holds it: it kills the server once its own standard input is closed,
//! which the system does for whoever started it, however that ends.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

const SHELL: &str = r#""$@" & pid=$!
echo "pid $pid"
read -r _
kill -9 "$pid"
wait "$pid"
"#;

/// A running server.
#[derive(Debug)]
pub(super) struct Process {
    shell: Child,
    pid: u32,
}

/// How long a server may take to start; only a broken one does.
const START: Duration = Duration::from_secs(20);

impl Process {
    /// Starts the server with a configuration file; `None` if its port was taken.
    pub(super) fn start(config: &Path, arguments: &[&str], ready: &'static str) -> Option<Self> {
        let binary = std::env::var("TIDEGATE_REDIS_SERVER");
        let binary = binary.unwrap_or_else(|_| "redis-server".to_owned());
        let mut shell = Command::new("sh")
            .args(["-c", SHELL, "sh", &binary])
            .arg(config)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh runs");
        let output = shell.stdout.take().expect("piped");
        let (pid, is_ready) = listen(output, ready);
        let pid = pid.recv_timeout(START).expect("the shell says the server's pid");
        let process = Self { shell, pid };
        // The sender goes when the server does.
        is_ready.recv_timeout(START).is_ok().then_some(process)
    }

    /// Sends a signal to the server.
    pub(super) fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.pid);
        let status = Command::new("sh").args(["-c", &command]).status().expect("sh runs");
        assert!(status.success(), "{command}");
    }

    /// Kills it and waits until it is gone.
    pub(super) fn kill(&mut self) {
        drop(self.shell.stdin.take());
        self.shell.wait().expect("a child");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads what the server says to its end, so that it never blocks.
fn listen(
    output: impl Read + Send + 'static,
    ready: &'static str,
) -> (Receiver<u32>, Receiver<()>) {
    let (say_pid, pid) = sync_channel(1);
    let (say_ready, is_ready) = sync_channel(1);
    std::thread::spawn(move || {
        let mut say_ready = Some(say_ready);
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            if let Some(number) = line.strip_prefix("pid ") {
                let _ = say_pid.try_send(number.trim().parse().expect("a pid"));
            }
            if line.contains(ready) {
                let _ = say_ready.take().map(|say| say.try_send(()));
            }
            if line.contains("Failed listening") || line.contains("bye bye") {
                say_ready = None;
            }
        }
    });
    (pid, is_ready)
}
