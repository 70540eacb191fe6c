//! Metadata of runs: the operations that the published SDK sends (trigger-agent §3.5).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One change. Keys that begin with `$.` are paths of object keys and array indices, by dots.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Operation {
    /// Replaces everything.
    Update {
        /// The new metadata.
        value: Map<String, Value>,
    },
    /// Sets a value.
    Set {
        /// Where.
        key: String,
        /// What.
        value: Value,
    },
    /// Deletes a key.
    Delete {
        /// Which.
        key: String,
    },
    /// Adds to a list; what is there already becomes one.
    Append {
        /// Where.
        key: String,
        /// What.
        value: Value,
    },
    /// Removes equal values from a list.
    Remove {
        /// Where.
        key: String,
        /// What.
        value: Value,
    },
    /// Adds to a number; what is none counts as 0.
    Increment {
        /// Where.
        key: String,
        /// How much.
        value: f64,
    },
}

/// Applies `operations` in order. One that can't be applied changes nothing.
pub fn apply(metadata: &mut Map<String, Value>, operations: Vec<Operation>) {
    for operation in operations {
        match operation {
            Operation::Update { value } => *metadata = value,
            Operation::Delete { key } => _ = metadata.shift_remove(&key),
            Operation::Set { key, value } => with(metadata, &key, |place| *place = value),
            Operation::Append { key, value } => with(metadata, &key, |place| {
                let mut list = match place.take() {
                    Value::Array(list) => list,
                    Value::Null => Vec::new(),
                    other => vec![other],
                };
                list.push(value);
                *place = Value::Array(list);
            }),
            Operation::Remove { key, value } => with(metadata, &key, |place| {
                if let Value::Array(list) = place {
                    list.retain(|item| *item != value);
                }
            }),
            Operation::Increment { key, value } => with(metadata, &key, |place| {
                *place = number(place.as_f64().unwrap_or(0.0) + value);
            }),
        }
    }
}

/// Whole numbers stay whole.
fn number(value: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        return Value::from(value as i64);
    }
    serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// Calls `change` with the value at `key`; missing objects on the way are made.
fn with(metadata: &mut Map<String, Value>, key: &str, change: impl FnOnce(&mut Value)) {
    let Some(path) = key.strip_prefix("$.") else {
        return change(metadata.entry(key).or_insert(Value::Null));
    };
    let mut names = path.split('.');
    let Some(first) = names.next() else { return };
    let mut place = metadata.entry(first).or_insert(Value::Null);
    for name in names {
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        place = match place {
            Value::Object(map) => map.entry(name).or_insert(Value::Null),
            Value::Array(list) => {
                match name.parse::<usize>().ok().and_then(|index| list.get_mut(index)) {
                    Some(item) => item,
                    None => return,
                }
            }
            _ => return,
        };
    }
    change(place);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn applied(start: Value, operations: Value) -> Value {
        let Value::Object(mut metadata) = start else { panic!("not an object") };
        apply(&mut metadata, serde_json::from_value(operations).expect("operations"));
        Value::Object(metadata)
    }

    #[test]
    fn every_operation() {
        let operations = json!([
            {"type": "set", "key": "a", "value": 1},
            {"type": "increment", "key": "a", "value": 2},
            {"type": "increment", "key": "half", "value": 0.5},
            {"type": "append", "key": "list", "value": "x"},
            {"type": "append", "key": "list", "value": "y"},
            {"type": "remove", "key": "list", "value": "x"},
            {"type": "append", "key": "a", "value": 4},
            {"type": "set", "key": "$.deep.er", "value": true},
            {"type": "delete", "key": "old"},
        ]);
        let after = json!({"a": [3, 4], "half": 0.5, "list": ["y"], "deep": {"er": true}});
        assert_eq!(applied(json!({"old": 1}), operations), after);
    }

    #[test]
    fn what_can_not_be_applied_changes_nothing() {
        let start = json!({"a": "text", "list": [1]});
        let operations = json!([
            {"type": "remove", "key": "a", "value": 1},
            {"type": "set", "key": "$.a.b", "value": 1},
            {"type": "set", "key": "$.list.7", "value": 1},
        ]);
        assert_eq!(applied(start.clone(), operations), start);
    }

    #[test]
    fn update_replaces_everything() {
        let operations = json!([{"type": "update", "value": {"b": 2}}]);
        assert_eq!(applied(json!({"a": 1}), operations), json!({"b": 2}));
    }
}
