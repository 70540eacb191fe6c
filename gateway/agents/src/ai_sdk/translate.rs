//! A UI message stream needs no translation: its chunks pass through, bytes and all.

use bytes::Bytes;
use tidegate_core::seams::backend::Chunk;

use crate::chunk;
use crate::upstream::{Broken, Flow, Translate};

/// Reads the stream; whether the chunks make sense together is the engine's to judge.
#[derive(Debug)]
pub(super) struct UiMessageStream;

impl Translate for UiMessageStream {
    fn event(&mut self, data: &Bytes, out: &mut Vec<Chunk>) -> Result<Flow, Broken> {
        if data.trim_ascii() == b"[DONE]" {
            return Ok(Flow::Done);
        }
        out.push(chunk::of(data)?);
        Ok(Flow::More)
    }

    fn end(&mut self, _: &mut Vec<Chunk>) -> Result<(), Broken> {
        Ok(())
    }
}
