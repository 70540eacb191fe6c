//! Why a request failed.

/// A failed request.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The gateway's address is none.
    #[error("`{0}` is not an http or https URL")]
    BadUrl(String),
    /// No connection, or no answer on it.
    #[error("can't reach {url}: {reason}")]
    Unreachable {
        /// The gateway.
        url: String,
        /// Why.
        reason: String,
    },
    /// The gateway answered with an error.
    #[error("the gateway answered {status}: {message}")]
    Status {
        /// HTTP status.
        status: u16,
        /// Its own words.
        message: String,
    },
    /// The answer ended early, or is not what it should be.
    #[error("the answer was cut off: {0}")]
    Cut(String),
}

impl ClientError {
    /// Can the same request succeed later?
    pub fn is_transient(&self) -> bool {
        match self {
            Self::BadUrl(_) => false,
            Self::Unreachable { .. } | Self::Cut(_) => true,
            Self::Status { status, .. } => *status == 429 || *status >= 500,
        }
    }
}
