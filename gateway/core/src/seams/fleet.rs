//! The gateways that share a store, as one of them sees the others (design §4, §5).
//!
//! Every gateway is equal. A session is *served* by at most one of them at a time: by the one that
//! claimed it. A claim stands while its gateway lives; that of a dead one is free to be taken. What
//! a displaced gateway still tries to commit is refused, for its commits name the term of its claim
//! ([`Op::ExpectTerm`](super::store::Op::ExpectTerm)).

use std::sync::Arc;

use bytes::Bytes;
use tidegate_protocol::ids::SessionKey;

use super::BoxFuture;
use super::store::StoreError;

/// The gateways that share a store. A store of one process has none.
pub trait Fleet: Send + Sync + std::fmt::Debug + 'static {
    /// This gateway's name: of this process alone, never used again.
    fn node(&self) -> &str;

    /// Makes this gateway the one that serves `session`, unless another live one does. Claiming
    /// again what is claimed already gives the same term.
    fn claim(&self, session: &SessionKey) -> BoxFuture<'_, Result<Claim, StoreError>>;

    /// Gives up the claim of `term`, if it stands. With `if_settled` it is kept where something is
    /// owed: input came in the meantime. Answers whether this gateway has it no more.
    fn give_up(
        &self,
        session: &SessionKey,
        term: u64,
        if_settled: bool,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// The sessions that `node` has claimed.
    fn claimed_by(&self, node: &str) -> BoxFuture<'_, Result<Vec<SessionKey>, StoreError>>;

    /// What the others are to know of this gateway, until it says something else. At most
    /// `ROSTER_MAX_BYTES`.
    fn announce(&self, roster: Bytes);

    /// Sends a message to another gateway. It may get lost with that gateway or its connection.
    fn send(&self, node: &str, message: Bytes) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Sets who is told of the others; only the first call counts. It is told at once of those that
    /// are there.
    fn set_listener(&self, listener: Arc<dyn FleetListener>);
}

/// Who serves a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// This gateway.
    Mine {
        /// Rises whenever a session changes hands.
        term: u64,
    },
    /// Another live gateway.
    Theirs {
        /// Its name.
        node: String,
    },
}

/// Hears of the other gateways. Its calls must not block.
pub trait FleetListener: Send + Sync + std::fmt::Debug + 'static {
    /// A gateway is there, or announces something new.
    fn seen(&self, node: &str, roster: &Bytes);

    /// A gateway died, or left.
    fn gone(&self, node: &str);

    /// A message came.
    fn received(&self, from: &str, message: &Bytes);
}
