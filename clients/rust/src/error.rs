//! What can go wrong, for agents and for workers.

/// Why an agent could not answer. Anything that is an error becomes one.
pub type AgentError = Box<dyn std::error::Error + Send + Sync>;

/// Longest error text that is sent.
const TEXT_MAX_BYTES: usize = 8 * 1024;

/// What the user sees of an error.
pub(crate) fn shown(error: &AgentError) -> String {
    let mut text = error.to_string();
    text.truncate(text.floor_char_boundary(TEXT_MAX_BYTES));
    text
}

/// Why a chunk was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The turn was stopped, or given to another worker.
    #[error("the turn is over")]
    Over,
    /// A chunk is a JSON object with a text `type`.
    #[error("not a UI message chunk: a JSON object with a `type`")]
    NotAChunk,
    /// A chunk of this size is never stored.
    #[error("a chunk has at most {max} bytes")]
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// The gateway did not take an earlier chunk.
    #[error("{code}: {message}")]
    Refused {
        /// Of the registry (`spec/v1/errors.md`).
        code: String,
        /// For a person.
        message: String,
    },
}

/// Why a worker ended.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// Not an `http`, `https`, `ws` or `wss` URL.
    #[error("{0:?} is not the URL of a gateway")]
    Url(String),
    /// The key has characters that a header can't hold.
    #[error("the key is not text")]
    Key,
    /// Certificates of the system, or TLS itself.
    #[error("TLS: {0}")]
    Tls(String),
    /// The system has no randomness.
    #[error("no randomness: {0}")]
    Entropy(#[from] getrandom::Error),
    /// The gateway refused the connection for good.
    #[error("the gateway answered {status}: {message}")]
    Rejected {
        /// HTTP status.
        status: u16,
        /// The body of the answer.
        message: String,
    },
    /// The gateway refused the registration for good.
    #[error("the gateway closed the link ({code}): {message}")]
    Refused {
        /// WebSocket close code.
        code: u16,
        /// For a person.
        message: String,
    },
    /// A second signal came while the worker drained.
    #[error("interrupted while turns were running")]
    Interrupted,
}
