//! Which target.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A server to measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `tidegate serve`.
    Gateway {
        /// The binary.
        binary: PathBuf,
        /// Its store.
        store: Store,
    },
    /// The bare push server of this crate.
    Floor {
        /// This crate's binary.
        binary: PathBuf,
    },
}

/// Where the gateway keeps sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    /// `memory:`
    Memory,
    /// `disk:`, in a directory that is deleted after the run.
    TemporaryDisk,
    /// Any other store URL, as it is.
    Url(String),
}

impl FromStr for Store {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "memory:" => Self::Memory,
            "disk:" => Self::TemporaryDisk,
            url => Self::Url(url.to_owned()),
        })
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::TemporaryDisk => f.write_str("disk:"),
            Self::Url(url) => f.write_str(url),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gateway { store, .. } => write!(f, "{store}"),
            Self::Floor { .. } => f.write_str("floor"),
        }
    }
}
