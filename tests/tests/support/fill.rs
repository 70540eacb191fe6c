//! Placeholders: `${name}` becomes what an earlier step saved.

use std::collections::BTreeMap;

use serde_json::Value;

/// What was saved.
pub(crate) type Saved = BTreeMap<String, Value>;

/// `text` with every placeholder replaced; `encode` percent-encodes what is put in.
pub(crate) fn text(text: &str, saved: &Saved, encode: bool) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').expect("a placeholder is closed");
        out.push_str(before);
        let value = find(name, saved);
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if encode {
            percent(&value, &mut out)
        } else {
            out.push_str(&value)
        }
        rest = after;
    }
    out + rest
}

/// `value` with every string in it replaced; a string that is one placeholder takes the value as
/// it is.
pub(crate) fn json(value: &Value, saved: &Saved) -> Value {
    match value {
        Value::String(string) => {
            match string.strip_prefix("${").and_then(|s| s.strip_suffix('}')) {
                Some(name) if !name.contains('}') => find(name, saved).clone(),
                _ => text(string, saved, false).into(),
            }
        }
        Value::Array(items) => items.iter().map(|item| json(item, saved)).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), json(value, saved))).collect()
        }
        other => other.clone(),
    }
}

fn find<'a>(name: &str, saved: &'a Saved) -> &'a Value {
    saved.get(name).unwrap_or_else(|| panic!("nothing was saved as {name}"))
}

fn percent(value: &str, out: &mut String) {
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
}
