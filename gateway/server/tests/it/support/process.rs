//! The binary as a process.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};

use super::KEY;

/// A command that ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
        let code = output.status.code().expect("not killed by a signal");
        Self { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Runs `tidegate` to its end.
pub(crate) fn tidegate(args: &[&str]) -> Ran {
    tidegate_in(Path::new("."), args, &[])
}

/// Runs it in a folder, with environment variables.
pub(crate) fn tidegate_in(folder: &Path, args: &[&str], vars: &[(&str, &str)]) -> Ran {
    let mut command = command(folder, args);
    command.envs(vars.iter().copied());
    command.output().expect("the binary runs").into()
}

/// The binary, not yet run.
pub(crate) fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(args).current_dir(folder).stdin(Stdio::null());
    command.env_remove("RUST_LOG").env_remove("TIDEGATE_KEY").env_remove("TIDEGATE_URL");
    command
}

/// A gateway that serves; killed when it goes out of scope.
pub(crate) struct Gateway {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: BufReader<ChildStderr>,
    log: String,
    pub(crate) greeting: String,
    pub(crate) address: SocketAddr,
}

impl Gateway {
    /// `serve` in `folder` with a demo agent and the given configuration besides.
    pub(crate) fn serve(folder: &Path, more: &str) -> Self {
        Self::serve_at(SocketAddr::from(([127, 0, 0, 1], 0)), folder, more)
    }

    /// The same at an address of choice.
    pub(crate) fn serve_at(listen: SocketAddr, folder: &Path, more: &str) -> Self {
        Self::serve_as(listen, folder, more, &[])
    }

    /// The same anywhere, with environment variables.
    pub(crate) fn serve_with(folder: &Path, more: &str, vars: &[(&str, String)]) -> Self {
        Self::serve_as(SocketAddr::from(([127, 0, 0, 1], 0)), folder, more, vars)
    }

    fn serve_as(listen: SocketAddr, folder: &Path, more: &str, vars: &[(&str, String)]) -> Self {
        let config = format!(
            "server.listen = '{listen}'\n{more}\n\
             [[environment]]\nname = 'test'\nsecret_keys = ['{KEY}']\n\
             [[agent]]\nid = 'demo'\nbackend = 'demo'\nwords_per_second = 200\n"
        );
        std::fs::write(folder.join("tidegate.toml"), config).expect("the folder is writable");
        Self::start(folder, &["serve", "--config", "tidegate.toml"], vars)
    }

    /// `dev` in `folder`.
    pub(crate) fn dev(folder: &Path) -> Self {
        Self::dev_with(folder, &[])
    }

    /// `dev` with more arguments.
    pub(crate) fn dev_with(folder: &Path, more: &[&str]) -> Self {
        Self::start(folder, &[&["dev", "--listen", "127.0.0.1:0"], more].concat(), &[])
    }

    fn start(folder: &Path, args: &[&str], vars: &[(&str, String)]) -> Self {
        let mut command = command(folder, args);
        command.envs(vars.iter().map(|(name, value)| (name, value)));
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        let mut greeting = String::new();
        let address = loop {
            if stdout.read_line(&mut greeting).expect("readable") == 0 {
                let mut log = String::new();
                let _ = stderr.read_to_string(&mut log);
                panic!("the gateway did not start: {log}");
            }
            let last = greeting.lines().last().unwrap_or_default();
            if let Some(address) = address_in(last) {
                break address;
            }
        };
        Self { child, stdout, stderr, log: String::new(), greeting, address }
    }

    /// The rest of what it prints up to the line that `ends` it.
    pub(crate) fn read_until(&mut self, end: &str) -> String {
        while !self.greeting.contains(end) {
            let read = self.stdout.read_line(&mut self.greeting).expect("readable");
            assert!(read > 0, "ended before it printed {end:?}: {}", self.greeting);
        }
        self.greeting.clone()
    }

    /// Waits until it logs `text`.
    pub(crate) fn read_log_until(&mut self, text: &str) {
        while !self.log.contains(text) {
            let read = self.stderr.read_line(&mut self.log).expect("readable");
            assert!(read > 0, "ended before it logged {text:?}: {}", self.log);
        }
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// Waits for its end; answers exit code and what it logged.
    pub(crate) fn wait(mut self) -> (Option<i32>, String) {
        self.stderr.read_to_string(&mut self.log).expect("readable");
        let status = self.child.wait().expect("waits");
        (status.code(), std::mem::take(&mut self.log))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `… on 127.0.0.1:1` of `serve`, or the base URL of `dev`.
fn address_in(line: &str) -> Option<SocketAddr> {
    let serve = line.strip_prefix("tidegate listens on ");
    let dev = line.trim().strip_prefix("Base URL").map(str::trim);
    let dev = dev.and_then(|rest| rest.strip_prefix("http://"));
    serve.or(dev)?.split_whitespace().next()?.parse().ok()
}
