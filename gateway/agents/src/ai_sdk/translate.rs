//! A UI message stream needs no translation: its chunks pass through, bytes and all.

use bytes::Bytes;
use serde_json::Value;
use tidegate_core::seams::backend::Chunk;
use tidegate_protocol::ui::parse_js;

use crate::upstream::{Broken, Flow, Translate};

/// Characters of a broken chunk that are shown.
const SHOWN_CHARS: usize = 100;

/// Reads the stream; whether the chunks make sense together is the engine's to judge.
#[derive(Debug)]
pub(super) struct UiMessageStream;

impl Translate for UiMessageStream {
    fn event(&mut self, data: &Bytes, out: &mut Vec<Chunk>) -> Result<Flow, Broken> {
        if data.trim_ascii() == b"[DONE]" {
            return Ok(Flow::Done);
        }
        let text = std::str::from_utf8(data)
            .map_err(|_| Broken::invalid("sent a chunk that is not UTF-8"))?;
        let value = parse_js(text).map_err(|error| broken_chunk(text, &error.to_string()))?;
        if !value.get("type").is_some_and(Value::is_string) {
            return Err(broken_chunk(text, "no object with a string `type`"));
        }
        out.push(Chunk { raw: data.clone(), value });
        Ok(Flow::More)
    }

    fn end(&mut self, _: &mut Vec<Chunk>) -> Result<(), Broken> {
        Ok(())
    }
}

fn broken_chunk(text: &str, reason: &str) -> Broken {
    let shown: String = text.chars().take(SHOWN_CHARS).collect();
    Broken::invalid(format!("sent something that is not a UI message chunk ({reason}): {shown}"))
}
