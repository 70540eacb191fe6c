//! Merging message metadata the way `ai` does.

use serde_json::{Map, Value};

use super::chunk::ChunkError;

/// Lays `new` over `base`: objects merge deeply, anything else replaces. `null` changes nothing.
///
/// Errors where the SDK throws: members laid over a metadata that is a string, number or boolean.
pub(super) fn merge_metadata(base: &mut Option<Value>, new: &Value) -> Result<(), ChunkError> {
    if new.is_null() {
        return Ok(());
    }
    *base = match base.take() {
        None | Some(Value::Null) => Some(new.clone()),
        Some(old) => {
            let members = spread(new);
            let primitive = !old.is_object() && !old.is_array();
            if primitive && members.keys().any(|key| !is_unsafe(key)) {
                *base = Some(old);
                return Err(ChunkError::Metadata("members over a primitive"));
            }
            let mut merged = spread(&old);
            merge_into(&mut merged, members);
            Some(Value::Object(merged))
        }
    };
    Ok(())
}

fn merge_into(base: &mut Map<String, Value>, members: Map<String, Value>) {
    for (key, value) in members {
        if is_unsafe(&key) {
            continue;
        }
        match (base.get_mut(&key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge_into(old, new),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// Keys that could reach a JavaScript prototype are never merged.
fn is_unsafe(key: &str) -> bool {
    matches!(key, "__proto__" | "constructor" | "prototype")
}

/// A value's own members as JavaScript's object spread sees them.
fn spread(value: &Value) -> Map<String, Value> {
    let indexed = |items: Vec<Value>| {
        items.into_iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect()
    };
    match value {
        Value::Object(map) => map.clone(),
        Value::Array(items) => indexed(items.clone()),
        Value::String(text) => {
            indexed(text.encode_utf16().map(|u| String::from_utf16_lossy(&[u]).into()).collect())
        }
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(base: Value, new: Value) -> Result<Value, ChunkError> {
        let mut base = Some(base);
        merge_metadata(&mut base, &new).map(|()| base.unwrap_or_default())
    }

    #[test]
    fn objects_merge_and_the_rest_replaces() {
        let base = json!({"a": {"x": 1, "y": [1]}, "b": 1});
        let new = json!({"a": {"y": [2], "z": null}, "b": {"c": 1}, "__proto__": 1});
        let want = json!({"a": {"x": 1, "y": [2], "z": null}, "b": {"c": 1}});
        assert_eq!(merged(base, new), Ok(want));
        assert_eq!(merged(json!(null), json!("x")), Ok(json!("x")));
        assert_eq!(merged(json!({"a": 1}), json!(null)), Ok(json!({"a": 1})));
    }

    #[test]
    fn odd_types_do_what_javascript_does() {
        assert_eq!(merged(json!([7]), json!("ab")), Ok(json!({"0": "a", "1": "b"})));
        assert_eq!(merged(json!("ab"), json!(3)), Ok(json!({"0": "a", "1": "b"})));
        assert!(merged(json!("ab"), json!({"c": 1})).is_err());
    }
}
