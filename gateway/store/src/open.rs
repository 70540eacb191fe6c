//! Opens the store that a URL names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tidegate_core::seams::store::{CommitListener, Retention, StoreError, StreamStore};
use tidegate_core::seams::{Clock, Fleet};

use crate::disk::DiskStore;
use crate::memory::MemoryStore;
use crate::redis::connect::{ConnectError, RedisUrl, UrlError};
use crate::redis::{RedisFleet, RedisStore, StoreTime};

/// A store that tells a listener of its commits. The listener is set after the store was opened,
/// because whoever listens reads from the store.
pub trait ListenableStore: StreamStore {
    /// Sets the listener; only the first call counts. Commits before it are not told of.
    fn set_listener(&self, listener: Arc<dyn CommitListener>);

    /// Records that were committed and that the store lost, as far as this process noticed.
    fn lost_records(&self) -> u64 {
        0
    }
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No scheme of a store.
    #[error("`{0}` is not a store URL: use {STORE_URLS}")]
    UnknownUrl(String),
    /// A store that gateways share, where one of a single process is needed.
    #[error("a store at `{scheme}:` is shared: use `memory:` or `disk:PATH`")]
    NotEmbedded {
        /// Scheme of the URL.
        scheme: String,
    },
    /// Another process has the store open.
    #[error("the store at {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// A newer version wrote the store.
    #[error("the store at {} has format {found}, newer than {known}", .path.display())]
    NewerFormat {
        /// Where.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The newest known format.
        known: u64,
    },
    /// No Redis or Valkey that can be a store.
    #[error(transparent)]
    Redis(#[from] ConnectError),
    /// A newer version wrote what is in Redis.
    #[error("the store in Redis has schema `{found}`, newer than {known}")]
    NewerSchema {
        /// Its schema.
        found: String,
        /// The newest known schema.
        known: u64,
    },
    /// An older version wrote what is in Redis.
    #[error(
        "the store in Redis has schema `{found}`, older than {known}, which is all that is read"
    )]
    OlderSchema {
        /// Its schema.
        found: u64,
        /// The known schema.
        known: u64,
    },
    /// It was reached, but can't be used.
    #[error("the shared store can't be used: {0}")]
    Shared(StoreError),
    /// It can't be read or written.
    #[error("the store at {} can't be opened: {reason}", .path.display())]
    Unavailable {
        /// Where.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// What a store's URL may be.
pub const STORE_URLS: &str = "memory:, disk:PATH, redis://HOST, rediss://HOST, \
                              redis-sentinel://HOST,…/SERVICE or redis-cluster://HOST,…";

/// An open store.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The store.
    pub store: Arc<dyn ListenableStore>,
    /// The gateways that share it, if it can be shared. Closing the store leaves them.
    pub fleet: Option<Arc<dyn Fleet>>,
    /// The time that everybody who uses the store agrees on.
    pub clock: Arc<dyn Clock>,
}

/// Opens the store at `url`, also one that gateways share (`redis:`, `rediss:`, `redis-sentinel:`,
/// `redis-cluster:`). `clock` is this process's own; `node` is a name of it that no other has.
pub async fn open_shared(
    url: &str,
    clock: Arc<dyn Clock>,
    retention: Retention,
    node: String,
) -> Result<Opened, OpenError> {
    if !url.starts_with("redis") {
        let store = open(url, Arc::clone(&clock), retention)?;
        return Ok(Opened { store, fleet: None, clock });
    }
    let parsed = RedisUrl::parse(url);
    if parsed == Err(UrlError::Scheme) {
        return Err(OpenError::UnknownUrl(without_secrets(url).to_owned()));
    }
    let url = parsed.map_err(ConnectError::from)?;
    let store = RedisStore::open(url, StoreTime::Server, clock, retention, node).await?;
    let fleet = RedisFleet::join(&store).await.map_err(OpenError::Shared)?;
    let clock = store.clock();
    Ok(Opened { store: Arc::new(store), fleet: Some(Arc::new(fleet)), clock })
}

/// The part of a URL that names its scheme: what follows may hold a password.
fn without_secrets(url: &str) -> &str {
    url.split_once("//").map_or(url, |(scheme, _)| scheme)
}

/// Opens the store at `url`: `memory:` or `disk:PATH`.
pub fn open(
    url: &str,
    clock: Arc<dyn Clock>,
    retention: Retention,
) -> Result<Arc<dyn ListenableStore>, OpenError> {
    let unknown = || OpenError::UnknownUrl(without_secrets(url).to_owned());
    let (scheme, rest) = url.split_once(':').ok_or_else(unknown)?;
    match scheme {
        "memory" if rest.is_empty() => Ok(Arc::new(MemoryStore::new(clock, retention, None))),
        "disk" if !rest.is_empty() => {
            Ok(Arc::new(DiskStore::open(Path::new(rest), clock, retention)?))
        }
        "redis" | "rediss" | "redis-sentinel" | "redis-cluster" => {
            Err(OpenError::NotEmbedded { scheme: scheme.to_owned() })
        }
        _ => Err(unknown()),
    }
}
