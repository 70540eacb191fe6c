//! The grammar of `spec/v1/suites/*.yaml` (`spec/v1/suites/README.md`).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// One file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Suite {
    /// The file's name.
    pub(crate) suite: String,
    /// One sentence.
    pub(crate) about: String,
    /// The cases.
    pub(crate) cases: Vec<Case>,
}

/// One case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// Unique in the file.
    pub(crate) name: String,
    /// What it shows.
    pub(crate) rules: Vec<String>,
    /// What is done.
    pub(crate) steps: Vec<Step>,
}

/// One step: exactly one of the actions is there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// One request, one answer.
    pub(crate) request: Option<Request>,
    /// Keys laid over a create's body.
    pub(crate) create: Option<Map<String, Value>>,
    /// An append to `.in`.
    pub(crate) append: Option<Append>,
    /// An SSE read.
    pub(crate) read: Option<Read>,
    /// Resumes at every cursor.
    pub(crate) resume_every: Option<Nothing>,
    /// What must come back.
    #[serde(default)]
    pub(crate) expect: Expect,
    /// What is kept, and where it is found.
    #[serde(default)]
    pub(crate) save: BTreeMap<String, String>,
}

/// An action without keys.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// One request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// As it is.
    pub(crate) method: String,
    /// As it is, with placeholders.
    pub(crate) path: String,
    /// Placeholders in the path are not encoded.
    #[serde(default)]
    pub(crate) raw_path: bool,
    /// `secret`, `none` or a bearer text.
    #[serde(rename = "as")]
    pub(crate) credential: Option<String>,
    /// More headers.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// A JSON body.
    pub(crate) json: Option<Value>,
    /// A text body.
    pub(crate) text: Option<String>,
}

/// An append: one of `say`, `kind` and `payload`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Append {
    /// A new user message.
    pub(crate) say: Option<String>,
    /// `stop`.
    pub(crate) kind: Option<String>,
    /// The payload of a message record.
    pub(crate) payload: Option<Map<String, Value>>,
    /// `X-Part-Id`.
    pub(crate) part_id: Option<String>,
    /// As in a request.
    #[serde(rename = "as")]
    pub(crate) credential: Option<String>,
}

/// An SSE read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Read {
    /// After the session; `out` if it is left out.
    pub(crate) channel: Option<String>,
    /// As in a request.
    #[serde(rename = "as")]
    pub(crate) credential: Option<String>,
    /// `Last-Event-ID`.
    pub(crate) cursor: Option<String>,
    /// `Timeout-Seconds`.
    pub(crate) timeout: Option<Value>,
    /// `X-Peek-Settled`.
    #[serde(default)]
    pub(crate) peek: bool,
    /// `boundary`, `end`, a chunk type, or a control kind in brackets.
    pub(crate) until: String,
}

/// What must come back.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// The status.
    pub(crate) status: Option<u16>,
    /// Name to value; null means absent.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Option<String>>,
    /// Part of the body.
    pub(crate) json: Option<Value>,
    /// Pointers at which there is nothing.
    #[serde(default)]
    pub(crate) absent: Vec<String>,
    /// Pointer to text.
    #[serde(default)]
    pub(crate) same: BTreeMap<String, String>,
    /// Seq of the first record.
    pub(crate) first: Option<u64>,
    /// All text deltas, joined.
    pub(crate) text: Option<String>,
    /// Chunk types and control kinds.
    pub(crate) shape: Option<Vec<String>>,
    /// Headers of the last boundary; null means absent, `any` means present.
    #[serde(default)]
    pub(crate) boundary: BTreeMap<String, Option<String>>,
}

impl Step {
    /// How many actions it has.
    pub(crate) fn actions(&self) -> usize {
        [
            self.request.is_some(),
            self.create.is_some(),
            self.append.is_some(),
            self.read.is_some(),
            self.resume_every.is_some(),
        ]
        .into_iter()
        .filter(|is_there| *is_there)
        .count()
    }
}

/// Reads a file.
pub(crate) fn parse(text: &str) -> Result<Suite, String> {
    serde_saphyr::from_str(text).map_err(|error| error.to_string())
}
