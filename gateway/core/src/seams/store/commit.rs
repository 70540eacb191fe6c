//! One atomic step in one session, and what it did.

use bytes::Bytes;
use tidegate_protocol::NewRecord;
use tidegate_protocol::ids::{Channel, SessionKey};

use super::Fate;
use crate::sessions::row::SessionRow;

/// One atomic step in one session.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The session.
    pub session: SessionKey,
    /// Applied in order; the first that can't be applied fails the whole commit.
    pub ops: Vec<Op>,
}

/// One operation of a [`Commit`].
#[derive(Clone, Debug)]
pub enum Op {
    /// Appends records to a channel.
    Append(Append),
    /// Records fates and clears what was owed (I2).
    Settle(Vec<(u64, Fate)>),
    /// Moves a floor forward; moving it back does nothing.
    Trim {
        /// The channel.
        channel: Channel,
        /// Which floor.
        floor: Floor,
        /// First seq that stays.
        before: u64,
    },
    /// Writes a blob.
    PutBlob {
        /// Sorts among its siblings by bytes.
        name: String,
        /// Content.
        bytes: Bytes,
    },
    /// Deletes every blob whose name starts with `prefix` and is at or after `from`.
    DeleteBlobs {
        /// Name prefix.
        prefix: String,
        /// First name that is deleted.
        from: String,
    },
    /// Writes the session's row if its stored version is still `expected` (`None`: no row yet).
    PutRow {
        /// `SessionRow::version` that was read.
        expected: Option<u64>,
        /// The row; the store stores it with version `expected + 1` (or 1).
        row: Box<SessionRow>,
    },
    /// Fails the commit if the session's row has another version: what was decided by the row
    /// (that the session is open) still holds.
    ExpectRow {
        /// `SessionRow::version` that was read.
        version: u64,
    },
    /// Fails the commit if the session has another fence: whoever wrote this was cut off (I4).
    ExpectFence {
        /// [`Lease::fence`].
        fence: u64,
    },
    /// Fails the commit if the session is not claimed in this term any more: another gateway serves
    /// it ([`Fleet`](crate::seams::Fleet)).
    ExpectTerm {
        /// [`Claim::Mine`](crate::seams::fleet::Claim::Mine).
        term: u64,
    },
    /// Ends the time of guest writers (I4).
    HandOver,
}

/// Appends records to one channel.
#[derive(Clone, Debug)]
pub struct Append {
    /// The channel.
    pub channel: Channel,
    /// Who writes (I4).
    pub writer: Writer,
    /// Recognises a repeated frame: its first answer is given again, nothing is written, and the
    /// commit's other operations are skipped.
    pub frame_key: Option<String>,
    /// At least one.
    pub records: Vec<NewRecord>,
    /// Marks each record owed until it is settled.
    pub owed: bool,
}

/// Writer classes (I4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// A run, fenced by the token of its lease.
    Run {
        /// [`Lease::fence`].
        fence: u64,
    },
    /// Server code with write credentials, valid until hand-over.
    Guest {
        /// [`StreamState::handovers`] when the credentials were given.
        handovers: u64,
    },
    /// The gateway itself, and stops on `.in`, which a full session still takes; `bump` raises
    /// the fence first, so that the run it replaces is cut off.
    Gateway {
        /// Raise the fence.
        bump: bool,
    },
    /// A client on `.in` and side channels, or server code that holds the secret key: not fenced.
    Client,
}

/// Which floor a trim moves (I1, readers get a view).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floor {
    /// Where cursor-less reads start.
    Replay,
    /// Below it there is no data any more.
    Retention,
}

/// What a commit did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// One per [`Op::Append`], in order.
    pub appends: Vec<Appended>,
}

/// Where records landed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Epoch of the stream.
    pub epoch: u64,
    /// Seq of the first record.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// Timestamp of the records, Unix ms.
    pub timestamp: u64,
    /// The frame was known: this is its first answer.
    pub repeated: bool,
}
