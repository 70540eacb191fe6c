//! Lines → UI message chunks (R-PRC-5).

use bytes::Bytes;
use serde_json::{Value, json};
use tidegate_core::seams::backend::Chunk;

use crate::chunk;
use crate::upstream::Broken;

/// Opens and closes the text that strings are pieces of.
#[derive(Debug, Default)]
pub(super) struct Translator {
    texts: u32,
    open: bool,
}

impl Translator {
    /// One line.
    pub(super) fn line(&mut self, line: &Bytes, out: &mut Vec<Chunk>) -> Result<(), Broken> {
        let line = line.slice_ref(line.trim_ascii());
        if line.is_empty() {
            return Ok(());
        }
        match chunk::json(&line)? {
            Value::String(text) => self.text(&text, out),
            value => {
                let chunk = chunk::with(&line, value)?;
                self.close(out);
                out.push(chunk);
            }
        }
        Ok(())
    }

    /// The answer is whole.
    pub(super) fn close(&mut self, out: &mut Vec<Chunk>) {
        if std::mem::take(&mut self.open) {
            out.push(Chunk::of(json!({"type": "text-end", "id": self.id()})));
        }
    }

    fn text(&mut self, text: &str, out: &mut Vec<Chunk>) {
        if !self.open {
            self.open = true;
            self.texts += 1;
            out.push(Chunk::of(json!({"type": "text-start", "id": self.id()})));
        }
        out.push(Chunk::of(json!({"type": "text-delta", "id": self.id(), "delta": text})));
    }

    fn id(&self) -> String {
        format!("text-{}", self.texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(lines: &[&str]) -> Result<Vec<Value>, Broken> {
        let (mut translator, mut out) = (Translator::default(), Vec::new());
        for line in lines {
            translator.line(&Bytes::copy_from_slice(line.as_bytes()), &mut out)?;
        }
        translator.close(&mut out);
        Ok(out.into_iter().map(|chunk| chunk.value).collect())
    }

    #[test]
    fn strings_are_text_and_objects_end_it() {
        let lines = ["\"a\"", "", " \"b\\n\"\r", "{\"type\":\"data-x\",\"data\":1}", "\"c\""];
        let expected = [
            json!({"type": "text-start", "id": "text-1"}),
            json!({"type": "text-delta", "id": "text-1", "delta": "a"}),
            json!({"type": "text-delta", "id": "text-1", "delta": "b\n"}),
            json!({"type": "text-end", "id": "text-1"}),
            json!({"type": "data-x", "data": 1}),
            json!({"type": "text-start", "id": "text-2"}),
            json!({"type": "text-delta", "id": "text-2", "delta": "c"}),
            json!({"type": "text-end", "id": "text-2"}),
        ];
        assert_eq!(translated(&lines).unwrap(), expected);
        assert_eq!(translated(&["", " \t"]).unwrap(), Vec::<Value>::new());
    }

    #[test]
    fn a_chunk_keeps_its_bytes() {
        let (mut translator, mut out) = (Translator::default(), Vec::new());
        let line = Bytes::from_static(b" {\"type\" : \"start-step\"}\r");
        translator.line(&line, &mut out).unwrap();
        assert_eq!(out[0].raw, "{\"type\" : \"start-step\"}");
    }

    #[test]
    fn anything_else_is_refused() {
        for line in ["{oops", "[]", "42", "null", "{\"no\":\"type\"}", "{\"type\":7}", "word"] {
            assert!(translated(&[line]).unwrap_err().reason.contains(line), "{line}");
        }
    }
}
