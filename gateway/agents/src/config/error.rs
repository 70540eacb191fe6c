//! Why an agent's table was refused.

/// A wrong agent table. The caller adds the file and the table's place in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// `backend` names none of the turn backends.
    #[error("agent \"{agent}\": unknown backend \"{backend}\", expected {}", expected.join(", "))]
    UnknownBackend {
        /// The agent's id.
        agent: String,
        /// What was given.
        backend: String,
        /// What there is.
        expected: &'static [&'static str],
    },
    /// The table has an unknown key, lacks one, or holds a value of the wrong type.
    #[error("agent \"{agent}\": {reason}")]
    Shape {
        /// The agent's id.
        agent: String,
        /// Names the key.
        reason: String,
    },
    /// A key has the right type but a value that can't be used.
    #[error("agent \"{agent}\": `{key}`: {reason}")]
    Value {
        /// The agent's id.
        agent: String,
        /// The key.
        key: String,
        /// Why. Never holds a secret.
        reason: String,
    },
}

impl ConfigError {
    /// A value that can't be used.
    pub(crate) fn value(agent: &str, key: &str, reason: impl Into<String>) -> Self {
        Self::Value { agent: agent.to_owned(), key: key.to_owned(), reason: reason.into() }
    }
}
