//! The one face of all modes.

use std::sync::Arc;

use tidegate_core::seams::Clock;

use super::call::{Call, Reply, Script, Served};
use super::error::{CallError, ConnectError};
use super::url::RedisUrl;

/// Connections to all primaries of a store. Clones share them.
#[derive(Clone, Debug)]
pub struct Connection {}

impl Connection {
    /// Connects, checks the server and loads the scripts.
    pub async fn open(
        _url: RedisUrl,
        _scripts: Vec<Arc<Script>>,
        _clock: Arc<dyn Clock>,
    ) -> Result<Self, ConnectError> {
        Ok(Self {})
    }

    /// Runs a call on the primary of its slot. Calls of all callers are pipelined on one
    /// connection; those of one caller keep their order if they are polled in it.
    pub async fn run(&self, _call: Call) -> Result<Reply, CallError> {
        Err(CallError::NotDone("not connected".to_owned()))
    }

    /// Waits until the write that `served` answered, and all before it, are on as many replicas as
    /// the URL's `wait` says. Without `wait`, at once.
    pub async fn barrier(&self, _served: &Served) -> Result<(), CallError> {
        Ok(())
    }

    /// Whether the URL has `wait`.
    pub fn waits(&self) -> bool {
        false
    }

    /// Run id of the primary that serves `slot` as far as is known; no round trip.
    pub fn server_id(&self, _slot: u16) -> Option<Arc<str>> {
        None
    }

    /// The servers' time.
    pub fn clock(&self) -> Arc<dyn Clock> {
        unreachable!("skeleton")
    }
}
