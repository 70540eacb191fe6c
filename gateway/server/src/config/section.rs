//! One table of the configuration, taken apart key by key; what remains is unknown.

use std::cell::RefCell;
use std::time::Duration;

use toml::{Table, Value};

use super::problem::Problems;
use super::suggest::nearest;
use super::units::{parse_duration, parse_size};

/// A table that is being read. A value of the wrong type becomes a problem and counts as absent.
#[derive(Debug)]
pub(super) struct Section<'a> {
    path: String,
    table: Table,
    problems: &'a Problems,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Section<'a> {
    pub(super) fn root(table: Table, problems: &'a Problems) -> Self {
        Self { path: String::new(), table, problems, known: RefCell::default() }
    }

    /// Path of a key of this table.
    pub(super) fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Records a problem with a key of this table.
    pub(super) fn refuse(&self, key: &str, reason: impl Into<String>) {
        self.problems.add(self.at(key), reason);
    }

    /// Where problems go.
    pub(super) fn problems(&self) -> &'a Problems {
        self.problems
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) => Some(text),
            other => self.wrong(key, "text", &other),
        }
    }

    /// A text that must be there.
    pub(super) fn required(&mut self, key: &'static str) -> Option<String> {
        if !self.table.contains_key(key) {
            self.known.borrow_mut().push(key);
            self.refuse(key, "is missing");
            return None;
        }
        self.text(key)
    }

    pub(super) fn parsed<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.text(key)?;
        parse(&text).map_err(|reason| self.refuse(key, reason)).ok()
    }

    pub(super) fn boolean(&mut self, key: &'static str) -> Option<bool> {
        match self.take(key)? {
            Value::Boolean(value) => Some(value),
            other => self.wrong(key, "true or false", &other),
        }
    }

    /// A whole number above 0.
    pub(super) fn count(&mut self, key: &'static str) -> Option<u64> {
        match self.take(key)? {
            Value::Integer(value) if value > 0 => Some(value.unsigned_abs()),
            Value::Integer(_) => {
                self.refuse(key, "must be above 0");
                None
            }
            other => self.wrong(key, "a whole number", &other),
        }
    }

    pub(super) fn duration(&mut self, key: &'static str) -> Option<Duration> {
        match self.take(key)? {
            Value::String(text) => {
                parse_duration(&text).map_err(|reason| self.refuse(key, reason)).ok()
            }
            other => self.wrong(key, "a duration such as \"60s\"", &other),
        }
    }

    /// Bytes.
    pub(super) fn size(&mut self, key: &'static str) -> Option<u64> {
        match self.take(key)? {
            Value::String(text) => {
                parse_size(&text).map_err(|reason| self.refuse(key, reason)).ok()
            }
            Value::Integer(bytes) if bytes >= 0 => Some(bytes.unsigned_abs()),
            other => self.wrong(key, "a size such as \"256MiB\"", &other),
        }
    }

    pub(super) fn list(&mut self, key: &'static str) -> Option<Vec<Value>> {
        match self.take(key)? {
            Value::Array(list) => Some(list),
            other => self.wrong(key, "a list", &other),
        }
    }

    pub(super) fn section(&mut self, key: &'static str) -> Option<Self> {
        match self.take(key)? {
            Value::Table(table) => Some(self.child(self.at(key), table)),
            other => self.wrong(key, "a table", &other),
        }
    }

    /// The tables of `[[key]]`.
    pub(super) fn sections(&mut self, key: &'static str) -> Vec<Self> {
        let Some(list) = self.list(key) else { return Vec::new() };
        let mut sections = Vec::new();
        for (index, item) in list.into_iter().enumerate() {
            let path = format!("{}[{index}]", self.at(key));
            match item {
                Value::Table(table) => sections.push(self.child(path, table)),
                other => {
                    let reason = format!("must be a table, not {}", described(&other));
                    self.problems.add(path, reason);
                }
            }
        }
        sections
    }

    /// Everything that was not taken: keys of somebody else.
    pub(super) fn rest(self) -> Table {
        self.table
    }

    /// Refuses everything that was not taken.
    pub(super) fn finish(self) {
        let known = self.known.borrow();
        for key in self.table.keys() {
            let reason = match nearest(key, known.iter().copied()) {
                Some(meant) => format!("unknown key; did you mean `{meant}`?"),
                None => format!("unknown key; known here: {}", known.join(", ")),
            };
            self.refuse(key, reason);
        }
    }

    fn child(&self, path: String, table: Table) -> Self {
        Self { path, table, problems: self.problems, known: RefCell::default() }
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.borrow_mut().push(key);
        self.table.remove(key)
    }

    /// Does not show the value, which may be a secret in the wrong place.
    fn wrong<T>(&self, key: &str, wanted: &str, given: &Value) -> Option<T> {
        self.refuse(key, format!("must be {wanted}, not {}", described(given)));
        None
    }
}

fn described(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}
