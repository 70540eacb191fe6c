//! Why the program ends, with its exit code (the numbers of `sysexits.h`).

use crate::config::ConfigError;

/// A failure that ends the program, as one message on stderr.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration or an argument can't be used: 64.
    #[error("{0}")]
    Usage(String),
    /// The configuration can't be used: 64.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Something that is needed is not there: a port, a store, a gateway: 69.
    #[error("{0}")]
    Unavailable(String),
    /// A gateway refused a request: 77.
    #[error("{0}")]
    Refused(String),
    /// A file or pipe can't be read or written: 74.
    #[error("{0}")]
    Io(String),
}

impl Failure {
    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Config(_) => 64,
            Self::Unavailable(_) => 69,
            Self::Io(_) => 74,
            Self::Refused(_) => 77,
        }
    }
}
