//! What goes wrong between the store and its servers.

use tidegate_core::seams::store::StoreError;

use super::url::UrlError;

/// Why no connection could be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The URL is not one.
    #[error("not a Redis URL: {0}")]
    Url(#[from] UrlError),
    /// No connection to the server came about.
    #[error("{server} can't be reached: {reason}")]
    Unreachable {
        /// Its address.
        server: String,
        /// Why.
        reason: String,
    },
    /// The credentials are wrong or missing.
    #[error("{server} refused the credentials: {reason}")]
    Credentials {
        /// Its address.
        server: String,
        /// In the server's words.
        reason: String,
    },
    /// The user may not run a command that is needed.
    #[error("{server} does not let this user: {reason}")]
    Permission {
        /// Its address.
        server: String,
        /// In the server's words.
        reason: String,
    },
    /// There is no such database.
    #[error("{server} has no database {db}")]
    Database {
        /// Its address.
        server: String,
        /// The database asked for.
        db: u32,
    },
    /// A replica can't be written.
    #[error("{server} is a read-only replica: name its primary, Sentinels or a Cluster")]
    Replica {
        /// Its address.
        server: String,
    },
    /// It may evict keys.
    #[error("{server} may evict keys: set `maxmemory-policy noeviction` (it is `{policy}`)")]
    Eviction {
        /// Its address.
        server: String,
        /// Its policy.
        policy: String,
    },
    /// Older than Redis 7.0.
    #[error("{server} has version {version}: Redis 7.0 or newer, or Valkey, is needed")]
    Version {
        /// Its address.
        server: String,
        /// What it says.
        version: String,
    },
    /// A Cluster behind a URL for one server, or the other way round.
    #[error("{server} runs in mode `{found}`, the URL is for `{wanted}`")]
    Mode {
        /// Its address.
        server: String,
        /// What it is.
        found: String,
        /// What the URL says.
        wanted: &'static str,
    },
    /// No Sentinel knows a primary of this name.
    #[error("no Sentinel knows a primary `{service}`: {reason}")]
    Service {
        /// The name.
        service: String,
        /// What was tried.
        reason: String,
    },
    /// The file of trusted certificates can't be used.
    #[error("the certificates in `ca` can't be used: {0}")]
    Certificates(String),
}

/// Why a call has no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It was not sent, or the server did nothing with it.
    #[error("{0}")]
    NotDone(String),
    /// Nothing was done: the reign that it was for is over, or a Cluster is moving the slot to a
    /// server that has another.
    #[error("another reign began")]
    TakenOver,
    /// It was sent, and nobody knows whether it was done.
    #[error("{0}; whether it was done is not known")]
    Unknown(String),
    /// The server, or the script itself, answered with an error.
    #[error("{code} {text}")]
    Refused {
        /// First word of the error.
        code: String,
        /// The rest.
        text: String,
    },
}

impl CallError {
    /// As the seam says it. A conversion by `?` would make others in this crate ambiguous.
    pub fn into_store(self) -> StoreError {
        StoreError::Unavailable(self.to_string())
    }
}
