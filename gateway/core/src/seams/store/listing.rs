//! Listings of sessions.

use crate::sessions::row::SessionRow;

/// Filters and page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Environment name.
    pub environment: String,
    /// Any of these types; empty is all. The same for the other lists.
    pub types: Vec<String>,
    /// Any of these tags.
    pub tags: Vec<String>,
    /// Any of these agents.
    pub agents: Vec<String>,
    /// Any of these states.
    pub statuses: Vec<Status>,
    /// This external id.
    pub external_id: Option<String>,
    /// Created at or after, Unix ms.
    pub created_from: Option<u64>,
    /// Created at or before, Unix ms.
    pub created_to: Option<u64>,
    /// Now, Unix ms: what decides EXPIRED.
    pub now: u64,
    /// Most sessions on the page.
    pub size: usize,
    /// Where the page starts.
    pub position: Position,
}

/// Where a page of a listing starts. Cursors are opaque to callers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Position {
    /// The newest.
    #[default]
    Start,
    /// After this cursor (older).
    After(String),
    /// Before this cursor (newer).
    Before(String),
}

/// State of a session, as listings filter it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Takes input.
    Active,
    /// Was closed.
    Closed,
    /// Its `expiresAt` passed and it was not closed.
    Expired,
}

/// One page of a listing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListPage {
    /// Newest first.
    pub rows: Vec<SessionRow>,
    /// Cursor of the older page.
    pub next: Option<String>,
    /// Cursor of the newer page.
    pub previous: Option<String>,
}
