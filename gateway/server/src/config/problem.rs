//! What is wrong with a configuration: every problem at once, each with its place.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// File, or environment variable, that holds the key.
    pub origin: String,
    /// Key path, as `agent[0].url`; empty for the file as a whole.
    pub path: String,
    /// Why, for a person. Never holds a secret.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return write!(f, "{}: {}", self.origin, self.reason);
        }
        write!(f, "{}: {}: {}", self.origin, self.path, self.reason)
    }
}

/// A configuration that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// At least one, in the order of the keys.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

/// Collects problems while a configuration is read.
#[derive(Debug)]
pub(super) struct Problems {
    file: String,
    /// Key path → environment variable that set it.
    overridden: BTreeMap<String, String>,
    found: RefCell<Vec<Problem>>,
}

impl Problems {
    pub(super) fn new(file: String) -> Self {
        Self { file, overridden: BTreeMap::new(), found: RefCell::default() }
    }

    /// Remembers that the environment variable `name` set `path`.
    pub(super) fn overridden(&mut self, path: String, name: &str) {
        self.overridden.insert(path, name.to_owned());
    }

    pub(super) fn add(&self, path: impl Into<String>, reason: impl Into<String>) {
        let path = path.into();
        let origin = self.origin(&path);
        self.add_at(origin, path, reason);
    }

    pub(super) fn add_at(
        &self,
        origin: impl Into<String>,
        path: impl Into<String>,
        reason: impl Into<String>,
    ) {
        let problem = Problem { origin: origin.into(), path: path.into(), reason: reason.into() };
        self.found.borrow_mut().push(problem);
    }

    pub(super) fn into_result<T>(self, value: T) -> Result<T, ConfigError> {
        let problems = self.found.into_inner();
        if problems.is_empty() { Ok(value) } else { Err(ConfigError { problems }) }
    }

    /// An override of a key holds for all below it: `agent[0]` for `agent[0].url`.
    fn origin(&self, path: &str) -> String {
        let holds = |set: &str| {
            path.strip_prefix(set).is_some_and(|rest| {
                rest.is_empty() || rest.starts_with('.') || rest.starts_with('[')
            })
        };
        let variable = self.overridden.iter().rev().find(|(set, _)| holds(set));
        variable.map_or_else(|| self.file.clone(), |(_, name)| name.clone())
    }
}
