//! How a child is started (R-PRC-1, R-PRC-2).

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::io::Errno;
use tidegate_core::seams::backend::BackendFault;
use tokio::process::{Child, Command};

use super::request::VARIABLES;
use crate::config::{ConfigError, ProcessConfig};

/// What a child gets of the gateway's environment. The rest may hold secrets.
const INHERITED: [&str; 10] =
    ["HOME", "LANG", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER"];

/// A command and the environment in which it runs.
pub(super) struct Launch {
    program: String,
    arguments: Vec<String>,
    cwd: Option<PathBuf>,
    env: BTreeMap<OsString, OsString>,
}

impl Launch {
    /// With the values of `env` that must never be shown.
    pub(super) fn new(
        agent: &str,
        config: ProcessConfig,
    ) -> Result<(Self, Vec<String>), ConfigError> {
        let refuse = |key: &str, reason: &str| ConfigError::value(agent, key, reason);
        let mut command = config.command;
        if command.first().is_none_or(String::is_empty) {
            return Err(refuse("command", "must name a program"));
        }
        if command.iter().any(|item| item.contains('\0')) {
            return Err(refuse("command", "must not hold a NUL"));
        }
        let cwd = config.cwd;
        if cwd.as_ref().is_some_and(|cwd| cwd.as_os_str().is_empty()) {
            return Err(refuse("cwd", "must not be empty"));
        }
        let mut env = BTreeMap::new();
        for name in INHERITED {
            if let Some(value) = std::env::var_os(name) {
                env.insert(name.into(), value);
            }
        }
        let mut secrets = Vec::new();
        for (name, secret) in &config.env {
            let key = format!("env.{name}");
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(refuse(&key, "is no name of a variable"));
            }
            if VARIABLES.contains(&name.as_str()) {
                return Err(refuse(&key, "is set by the gateway"));
            }
            let value = secret.resolve().map_err(|reason| refuse(&key, &reason))?;
            if value.contains('\0') {
                return Err(refuse(&key, "must not hold a NUL"));
            }
            env.insert(name.into(), value.clone().into());
            secrets.push(value);
        }
        let program = command.remove(0);
        Ok((Self { program, arguments: command, cwd, env }, secrets))
    }

    /// What errors call the command.
    pub(super) fn file_name(&self) -> &str {
        let name = Path::new(&self.program).file_name().and_then(OsStr::to_str);
        name.unwrap_or(&self.program)
    }

    /// Starts a child that leads a process group of its own.
    pub(super) fn spawn(&self, variables: Vec<(&'static str, String)>) -> io::Result<Child> {
        let mut command = Command::new(self.program()?);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(&self.env)
            .envs(variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        command.spawn()
    }

    /// The program's path. With one that is known, starting it copies no page tables.
    fn program(&self) -> io::Result<PathBuf> {
        if self.program.contains('/') {
            return Ok(self.program.as_str().into());
        }
        let path = self.env.get(OsStr::new("PATH")).cloned();
        let folders = path.unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        let found = std::env::split_paths(&folders)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(&self.program))
            .find(|file| is_program(file));
        found.ok_or_else(|| Errno::NOENT.into())
    }

    /// Why a start failed: what kind of failure, and for a person.
    pub(super) fn failure(&self, error: &io::Error) -> (BackendFault, String) {
        let name = self.file_name();
        if let Some(cwd) = self.cwd.as_ref().filter(|cwd| !cwd.is_dir()) {
            let reason = format!("can't start {name}: `cwd` is not a folder: {}", cwd.display());
            return (BackendFault::Invalid, reason);
        }
        let passing = [Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE, Errno::TXTBSY];
        let kind = match Errno::from_io_error(error) {
            Some(errno) if passing.contains(&errno) => BackendFault::Unavailable,
            _ => BackendFault::Invalid,
        };
        (kind, format!("can't start {name}: {error}"))
    }
}

fn is_program(file: &Path) -> bool {
    let found = file.metadata();
    found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

impl std::fmt::Debug for Launch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Arguments and environment may hold secrets.
        f.debug_struct("Launch").field("program", &self.program).finish_non_exhaustive()
    }
}
