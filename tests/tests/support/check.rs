//! Compares what came back with what a suite expects.

use serde_json::Value;
use tidegate_protocol::{Record, control};

use super::exchange::{Outcome, chunk, kind};
use super::suite::Expect;

/// The first difference. `expect` is filled in already.
pub(crate) fn check(expect: &Expect, status: u16, outcome: &Outcome) -> Result<(), String> {
    let expected = expect.status.unwrap_or(status);
    if outcome.status != expected {
        return Err(format!("status {}, not {expected}: {:?}", outcome.status, outcome.json));
    }
    for (name, value) in &expect.headers {
        let found = outcome.headers.get(name);
        same(name, found.map(String::as_str), value.as_deref())?;
    }
    let null = Value::Null;
    let body = outcome.json.as_ref().unwrap_or(&null);
    if let Some(json) = &expect.json
        && !holds(body, json)
    {
        return Err(format!("the body {body} does not hold {json}"));
    }
    for pointer in &expect.absent {
        if let Some(value) = body.pointer(pointer) {
            return Err(format!("{pointer} is there: {value}"));
        }
    }
    for (pointer, text) in &expect.same {
        same(pointer, body.pointer(pointer).and_then(Value::as_str), Some(text))?;
    }
    records(expect, &outcome.records)
}

/// All text deltas, joined.
pub(crate) fn text(records: &[Record]) -> String {
    let chunks = records.iter().filter_map(chunk).filter(|chunk| chunk["type"] == "text-delta");
    chunks.filter_map(|chunk| chunk["delta"].as_str().map(str::to_owned)).collect()
}

/// The last boundary.
pub(crate) fn boundary(records: &[Record]) -> Option<&Record> {
    records.iter().rfind(|record| control::is_boundary(record))
}

fn records(expect: &Expect, records: &[Record]) -> Result<(), String> {
    if let Some(first) = expect.first {
        let found = records.first().map(|record| record.seq_num);
        if found != Some(first) {
            return Err(format!("the first record is {found:?}, not {first}"));
        }
    }
    if let Some(expected) = &expect.text {
        same("text", Some(&text(records)), Some(expected))?;
    }
    if let Some(expected) = &expect.shape {
        let mut shape: Vec<String> = records.iter().filter_map(kind).collect();
        shape.dedup();
        if shape != *expected {
            return Err(format!("the shape is {shape:?}, not {expected:?}"));
        }
    }
    let boundary = boundary(records);
    for (name, value) in &expect.boundary {
        let boundary = boundary.ok_or("there is no boundary")?;
        match (boundary.header(name), value.as_deref()) {
            (Some(_), Some("any")) => {}
            (found, value) => same(name, found, value)?,
        }
    }
    Ok(())
}

fn same(what: &str, found: Option<&str>, expected: Option<&str>) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what} is {found:?}, not {expected:?}"))
}

/// Is everything of `part` in `whole`?
fn holds(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| holds(whole, part)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(w, p)| holds(w, p))
        }
        _ => whole == part,
    }
}
