//! What a backend sends, as a UI message chunk. Whether chunks make sense together is the engine's
//! to judge.

use bytes::Bytes;
use serde_json::Value;
use tidegate_core::seams::backend::Chunk;
use tidegate_protocol::ui::parse_js;

use crate::upstream::Broken;

/// Characters of a broken chunk that are shown.
const SHOWN_CHARS: usize = 100;

/// The chunk that `data` holds.
pub(crate) fn of(data: &Bytes) -> Result<Chunk, Broken> {
    with(data, json(data)?)
}

/// The chunk `value`, which `data` was parsed to.
pub(crate) fn with(data: &Bytes, value: Value) -> Result<Chunk, Broken> {
    match value.get("type").is_some_and(Value::is_string) {
        true => Ok(Chunk { raw: data.clone(), value }),
        false => Err(broken(data, "no object with a string `type`")),
    }
}

/// What JSON `data` is.
pub(crate) fn json(data: &[u8]) -> Result<Value, Broken> {
    let text = std::str::from_utf8(data);
    let text = text.map_err(|_| Broken::invalid("sent a chunk that is not UTF-8"))?;
    parse_js(text).map_err(|error| broken(data, &error.to_string()))
}

fn broken(data: &[u8], reason: &str) -> Broken {
    let shown: String = String::from_utf8_lossy(data).chars().take(SHOWN_CHARS).collect();
    Broken::invalid(format!("sent something that is not a UI message chunk ({reason}): {shown}"))
}
