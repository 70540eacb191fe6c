//! The store seam, by topic.

mod commit;
mod failure;
mod fate;
mod lease;
mod listing;
mod read;
mod retention;
mod stream_store;

pub use commit::{Append, Appended, Commit, Committed, Floor, Op, Writer};
pub use failure::{CommitError, StoreError};
pub use fate::Fate;
pub use lease::{Lease, LeaseError, LeaseRequest};
pub use listing::{ListPage, ListQuery, Position, Status};
pub use read::{ReadLimit, StreamState};
pub use retention::Retention;
pub use stream_store::{CommitListener, StreamStore, Watch};
