//! Outcomes compared: ours with `ai` 7's, and the older versions' with `ai` 7's.

use std::collections::BTreeSet;

use serde_json::Value;

/// Equal as JavaScript sees it: member order and the spelling of numbers do not count.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}

/// Whether both hold the same message, or both refused the same chunk.
pub(crate) fn same_outcome(ours: &Result<Value, usize>, theirs: &Value) -> bool {
    match ours {
        Ok(message) => theirs.get("message").is_some_and(|theirs| equal(message, theirs)),
        Err(at) => theirs.get("at").and_then(Value::as_u64) == Some(*at as u64),
    }
}

/// Names of the ways in which a version's outcome differs from that of `ai` 7.
pub(crate) fn differences(
    version: &str,
    theirs: &Value,
    seven: &Value,
    chunks: &[Value],
) -> BTreeSet<String> {
    let kind_at = |outcome: &Value| {
        let at = outcome["at"].as_u64().expect("an error names its chunk") as usize;
        kind(&chunks[at])
    };
    let verb = |outcome: &Value| match outcome["where"].as_str() {
        Some("schema") => "schema refuses",
        _ => "throws at",
    };
    let (their_end, seven_end) = (end(theirs), end(seven));
    let mut found = BTreeSet::new();
    if their_end < seven_end {
        found.insert(format!("{version} {} {}", verb(theirs), kind_at(theirs)));
    } else if their_end > seven_end {
        found.insert(format!("{version} accepts {}", kind_at(seven)));
    } else if their_end == u64::MAX {
        messages(&theirs["message"], &seven["message"], &mut |what| {
            found.insert(format!("{version} {what}"));
        });
    }
    found
}

/// Index of the refused chunk; past every index where none was.
fn end(outcome: &Value) -> u64 {
    outcome["at"].as_u64().unwrap_or(u64::MAX)
}

fn messages(theirs: &Value, seven: &Value, found: &mut dyn FnMut(String)) {
    let (theirs_parts, seven_parts) = (array(&theirs["parts"]), array(&seven["parts"]));
    for key in ["id", "metadata", "createdAt"] {
        if !equal(&theirs[key], &seven[key]) {
            found(format!("message has another {key}"));
        }
    }
    if theirs_parts.len() != seven_parts.len() {
        return found("message has other parts".into());
    }
    for (theirs, seven) in theirs_parts.iter().zip(seven_parts) {
        let (their_kind, seven_kind) = (kind(theirs), kind(seven));
        if their_kind != seven_kind {
            found(format!("has {their_kind} for {seven_kind}"));
            continue;
        }
        let keys: BTreeSet<&String> = keys(theirs).chain(keys(seven)).collect();
        for key in keys {
            match (theirs.get(key), seven.get(key)) {
                (None, _) => found(format!("{seven_kind} lacks {key}")),
                (_, None) => found(format!("{seven_kind} has {key}")),
                (Some(a), Some(b)) if !equal(a, b) => found(format!("{seven_kind}: other {key}")),
                _ => {}
            }
        }
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn keys(value: &Value) -> impl Iterator<Item = &String> {
    value.as_object().into_iter().flat_map(|map| map.keys())
}

/// A chunk's or part's type, with the names that users choose left out.
fn kind(value: &Value) -> &str {
    match value["type"].as_str().unwrap_or("?") {
        "tool-search" | "tool-get-time" | "dynamic-tool" => "tool",
        name if name.starts_with("data-") => "data",
        name => name,
    }
}
