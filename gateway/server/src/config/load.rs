//! From a file and the environment to a checked configuration.

use std::path::PathBuf;

use toml::Table;

use super::problem::{ConfigError, Problem, Problems};
use super::{Config, overrides, read};

/// Where a configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The TOML file; without one everything comes from `vars` and `fill`.
    pub file: Option<PathBuf>,
    /// Environment variables.
    pub vars: Vec<(String, String)>,
    /// TOML whose top-level tables stand in for those that are set nowhere else.
    pub fill: String,
}

impl Source {
    /// `file`, with the process's environment.
    pub fn of(file: Option<PathBuf>) -> Self {
        let utf8 = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self { file, vars: std::env::vars_os().filter_map(utf8).collect(), fill: String::new() }
    }
}

/// Reads and checks. The error lists every problem.
pub fn load(source: &Source) -> Result<Config, ConfigError> {
    let (name, mut tree) = read_file(source)?;
    let mut problems = Problems::new(name);
    overrides::apply(&mut tree, &source.vars, &mut problems);
    let fill: Table = source.fill.parse().map_err(|error| syntax("defaults", "", &error))?;
    for (key, value) in fill {
        tree.entry(key).or_insert(value);
    }
    let config = read::config(tree, &problems);
    problems.into_result(config)
}

fn read_file(source: &Source) -> Result<(String, Table), ConfigError> {
    let Some(path) = &source.file else { return Ok(("environment".to_owned(), Table::new())) };
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| single(&name, format!("can't be read: {error}")))?;
    let tree = text.parse().map_err(|error| syntax(&name, &text, &error))?;
    Ok((name, tree))
}

fn syntax(name: &str, text: &str, error: &toml::de::Error) -> ConfigError {
    let start = error.span().map_or(0, |span| span.start).min(text.len());
    let before = &text.as_bytes()[..start];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    let reason = error.message().lines().collect::<Vec<_>>().join("; ");
    single(&format!("{name}:{line}:{column}"), format!("not valid TOML: {reason}"))
}

fn single(origin: &str, reason: String) -> ConfigError {
    ConfigError {
        problems: vec![Problem { origin: origin.to_owned(), path: String::new(), reason }],
    }
}
