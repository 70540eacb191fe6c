//! `TIDEGATE__SECTION__KEY` over the file: `TIDEGATE__SERVER__LISTEN`, `TIDEGATE__AGENT__0__URL`.

use toml::{Table, Value};

use super::keys;
use super::problem::Problems;

const PREFIX: &str = "TIDEGATE__";

/// Applies every variable of `vars` that is meant for the configuration, in the order of names.
pub(super) fn apply(tree: &mut Table, vars: &[(String, String)], problems: &mut Problems) {
    let mut ours: Vec<_> = vars.iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
    ours.sort();
    for (name, text) in ours {
        match Place::of(name).and_then(|place| place.set(tree, text)) {
            Ok(path) => problems.overridden(path, name),
            Err(reason) => problems.add_at(name.clone(), "", reason),
        }
    }
}

/// Where a variable points to.
struct Place {
    steps: Vec<String>,
}

impl Place {
    fn of(name: &str) -> Result<Self, String> {
        let steps = name[PREFIX.len()..].split("__").map(str::to_ascii_lowercase);
        let steps: Vec<_> = steps.collect();
        match steps.iter().any(String::is_empty) {
            true => Err("a part of the name is empty; write TIDEGATE__SECTION__KEY".to_owned()),
            false => Ok(Self { steps }),
        }
    }

    /// Sets the value and returns the path of the key.
    fn set(&self, tree: &mut Table, text: &str) -> Result<String, String> {
        let mut path = String::new();
        let mut place = Slot::Table(tree);
        for (at, step) in self.steps.iter().enumerate() {
            place.extend(&mut path, step);
            if at + 1 == self.steps.len() {
                break;
            }
            let next_is_index = is_index(&self.steps[at + 1]);
            place = place.descend(step, next_is_index, &path)?;
        }
        let last = &self.steps[self.steps.len() - 1];
        place.put(last, value_of(&path, text))?;
        Ok(path)
    }
}

enum Slot<'a> {
    Table(&'a mut Table),
    List(&'a mut Vec<Value>),
}

impl<'a> Slot<'a> {
    fn extend(&self, path: &mut String, step: &str) {
        match self {
            Self::List(_) => path.push_str(&format!("[{step}]")),
            Self::Table(_) if path.is_empty() => path.push_str(step),
            Self::Table(_) => path.push_str(&format!(".{step}")),
        }
    }

    fn descend(self, step: &str, into_list: bool, path: &str) -> Result<Self, String> {
        let empty = match into_list {
            true => Value::Array(Vec::new()),
            false => Value::Table(Table::new()),
        };
        let value = match self {
            Slot::Table(table) => table.entry(step).or_insert(empty),
            Slot::List(list) => {
                let index = index_in(list, step)?;
                if index == list.len() {
                    list.push(empty);
                }
                &mut list[index]
            }
        };
        match value {
            Value::Table(table) => Ok(Slot::Table(table)),
            Value::Array(list) => Ok(Slot::List(list)),
            _ => Err(format!("`{path}` is a value and holds no other keys")),
        }
    }

    fn put(self, step: &str, value: Value) -> Result<(), String> {
        match self {
            Slot::Table(table) => {
                table.insert(step.to_owned(), value);
            }
            Slot::List(list) => {
                let index = index_in(list, step)?;
                match list.get_mut(index) {
                    Some(place) => *place = value,
                    None => list.push(value),
                }
            }
        }
        Ok(())
    }
}

fn is_index(step: &str) -> bool {
    step.bytes().all(|byte| byte.is_ascii_digit())
}

/// An index that exists, or the one that appends.
fn index_in(list: &[Value], step: &str) -> Result<usize, String> {
    let index = step.parse::<usize>().map_err(|_| format!("`{step}` is not an index of a list"))?;
    match index <= list.len() {
        true => Ok(index),
        false => {
            Err(format!("the list has {} items; the next index is {}", list.len(), list.len()))
        }
    }
}

/// The value as TOML; text that is no TOML, or stands where text is wanted, is the text itself.
fn value_of(path: &str, text: &str) -> Value {
    let parsed = || {
        let mut table: Table = format!("value = {text}").parse().ok()?;
        let value = table.remove("value")?;
        table.is_empty().then_some(value)
    };
    let as_text = || Value::String(text.to_owned());
    // One item of a list of secrets is text, as one key is.
    let key = keys::find(path);
    let wants_text = key.is_some_and(|key| key.kind.is_text())
        || path.strip_suffix(']').is_some_and(|_| keys::find(parent(path)).is_some());
    match parsed() {
        Some(value) if !wants_text || value.is_str() => value,
        _ => as_text(),
    }
}

fn parent(path: &str) -> &str {
    path.rfind('[').map_or(path, |at| &path[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply_to(file: &str, vars: &[(&str, &str)]) -> Result<Table, String> {
        let mut tree: Table = file.parse().unwrap();
        let mut problems = Problems::new("file".to_owned());
        let vars: Vec<_> =
            vars.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        apply(&mut tree, &vars, &mut problems);
        problems.into_result(tree).map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_typed_as_in_toml() {
        let vars = [
            ("TIDEGATE__SERVER__LISTEN", "1.2.3.4:5"),
            ("TIDEGATE__RETENTION__RECORDS", "7"),
            ("TIDEGATE__AGENT__0__ID", "42"),
            ("TIDEGATE__AGENT__0__STOP_ON_DISCONNECT", "true"),
            ("TIDEGATE__AGENT__0__HEADERS", "{ a = 'b' }"),
            ("TIDEGATE__ENVIRONMENT__0__SECRET_KEYS__0", "123"),
            ("TIDEGATE__LOG__LEVEL", "\"debug\""),
            ("OTHER__THING", "x"),
        ];
        let expected = "
            log.level = 'debug'
            retention.records = 7
            server.listen = '1.2.3.4:5'
            agent = [{ id = '42', stop_on_disconnect = true, headers = { a = 'b' } }]
            environment = [{ secret_keys = ['123'] }]
        ";
        assert_eq!(apply_to("", &vars), Ok(expected.parse().unwrap()));
    }

    #[test]
    fn lists_grow_by_one_and_items_are_replaced() {
        let file = "agent = [{ id = 'a', url = 'x' }]";
        let vars = [("TIDEGATE__AGENT__0__URL", "y"), ("TIDEGATE__AGENT__1__ID", "b")];
        let expected = "agent = [{ id = 'a', url = 'y' }, { id = 'b' }]";
        assert_eq!(apply_to(file, &vars), Ok(expected.parse().unwrap()));
        let far = apply_to(file, &[("TIDEGATE__AGENT__5__ID", "b")]).unwrap_err();
        assert_eq!(far, "TIDEGATE__AGENT__5__ID: the list has 1 items; the next index is 1");
    }

    #[test]
    fn impossible_names_are_refused() {
        let file = "server.listen = 'a:1'";
        for name in ["TIDEGATE__SERVER__LISTEN__X", "TIDEGATE____X", "TIDEGATE__"] {
            let error = apply_to(file, &[(name, "1")]).unwrap_err();
            assert!(error.starts_with(&format!("{name}: ")), "{error}");
        }
    }
}
