//! One running answer: the backend's chunks through the grammar guard, into records for `.out`
//! and into the message that the transcript will hold. Pure.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use tidegate_protocol::limits::{ANSWER_MAX_BYTES, RECORD_MAX_BYTES};
use tidegate_protocol::ui::{Accumulator, Close, Grammar};
use tidegate_protocol::{NewRecord, Record};

use crate::seams::backend::{BackendError, BackendFault, Chunk, TurnRequest};

/// An answer that is being made.
#[derive(Debug)]
pub struct Answer {
    /// What was asked; asked again if nobody saw anything of the first try.
    pub request: TurnRequest,
    /// `.in` seqs of the stops that hit it.
    pub stops: Vec<u64>,
    /// Messages that it took in while it ran.
    pub injected: Vec<Record>,
    grammar: Grammar,
    message: Accumulator,
    records: u64,
    bytes: usize,
    failed: bool,
}

impl Answer {
    /// An answer of which nothing is visible. `continued` is the message that it goes on with.
    pub fn new(request: TurnRequest, continued: Option<Value>) -> Self {
        let resumed = continued.and_then(|message| Accumulator::resume(message).ok());
        let (grammar, message) = match resumed {
            Some(message) => (Grammar::resume(&request.answer_id, &message), message),
            None => (Grammar::new(&request.answer_id), Accumulator::new(&request.answer_id)),
        };
        let (stops, injected) = Default::default();
        Self { request, stops, injected, grammar, message, records: 0, bytes: 0, failed: false }
    }

    /// An answer of which `visible` is on `.out` already.
    pub fn restore(request: TurnRequest, continued: Option<Value>, visible: &[Value]) -> Self {
        let mut answer = Self::new(request, continued);
        for chunk in visible {
            // What is on `.out` went through the guard, so the accumulator takes it.
            let _ = answer.message.push(chunk);
            answer.failed |= is_error(chunk);
            answer.records += 1;
        }
        answer.guard_from_here();
        answer
    }

    /// Begins another attempt: the guard then drops the beginning that is visible already.
    pub fn retry(&mut self) {
        self.request.attempt += 1;
        // What the first try was offered is its own.
        self.request.steering = self.request.steering.take().map(|_| Arc::default());
        self.bytes = 0;
        self.guard_from_here();
    }

    fn guard_from_here(&mut self) {
        self.grammar = Grammar::resume(self.message.message_id(), &self.message);
    }

    /// Is anything of it visible that a user could see?
    pub fn has_content(&self) -> bool {
        self.message.has_content()
    }

    /// Did nothing of it reach `.out`?
    pub fn is_silent(&self) -> bool {
        self.records == 0
    }

    /// Did it end in an `error` chunk?
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    /// The message so far, copied.
    pub fn message(&self) -> Value {
        self.message.message()
    }

    /// The message so far.
    pub fn into_message(self) -> Value {
        self.message.into_message()
    }

    /// Records for what the backend sent. With an error, the records made before it still stand.
    pub fn admit(&mut self, chunks: Vec<Chunk>) -> (Vec<NewRecord>, Result<(), BackendError>) {
        let mut records = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            if let Err(error) = self.admit_one(chunk, &mut records) {
                return (records, Err(error));
            }
        }
        (records, Ok(()))
    }

    /// Records that end the answer's open parts.
    pub fn close(&mut self, how: Close<'_>) -> Vec<NewRecord> {
        let chunks = self.grammar.close(how);
        chunks.into_iter().filter_map(|chunk| self.write(chunk).ok()).collect()
    }

    fn admit_one(
        &mut self,
        chunk: Chunk,
        records: &mut Vec<NewRecord>,
    ) -> Result<(), BackendError> {
        self.bytes += chunk.raw.len();
        if self.bytes > ANSWER_MAX_BYTES {
            return Err(self.invalid(format!("its answer is over {ANSWER_MAX_BYTES} bytes")));
        }
        let admitted = self.grammar.admit(chunk.value.clone());
        let admitted = admitted.map_err(|error| self.invalid(error.to_string()))?;
        for value in admitted {
            // What the guard did not touch passes on byte by byte.
            let unchanged = value == chunk.value;
            let record =
                if unchanged { self.write_raw(&value, &chunk.raw) } else { self.write(value) };
            records.push(record?);
        }
        Ok(())
    }

    fn write(&mut self, chunk: Value) -> Result<NewRecord, BackendError> {
        let raw: Bytes = serde_json::to_vec(&chunk).expect("a Value is valid JSON").into();
        self.write_raw(&chunk, &raw)
    }

    fn write_raw(&mut self, chunk: &Value, raw: &[u8]) -> Result<NewRecord, BackendError> {
        // Clients drop a record whose id they saw on the same connection: it names the attempt.
        let id = format!("{}.{}.{}", self.request.turn, self.request.attempt, self.records);
        let record = NewRecord::data(raw, &id);
        if record.metered_len() > RECORD_MAX_BYTES {
            return Err(self.invalid(format!("a chunk of {} bytes is over 1 MiB", raw.len())));
        }
        self.message.push(chunk).map_err(|error| self.invalid(error.to_string()))?;
        self.failed |= is_error(chunk);
        self.records += 1;
        Ok(record)
    }

    fn invalid(&self, what: String) -> BackendError {
        let message = format!("agent {:?} broke the UI message stream: {what}", self.request.agent);
        BackendError { kind: BackendFault::Invalid, message }
    }
}

fn is_error(chunk: &Value) -> bool {
    chunk.get("type").and_then(Value::as_str) == Some("error")
}
