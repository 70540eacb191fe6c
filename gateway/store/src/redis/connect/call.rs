//! Scripts and commands to be run, and what they reply.

use std::sync::Arc;

use redis::{Cmd, ToRedisArgs, Value};

use super::reign::Reign;
use super::slot::slot_of;

/// A Lua script. It is loaded on every new connection, and called by its hash.
#[derive(Debug)]
pub struct Script {
    body: String,
    hash: String,
}

impl Script {
    /// A script of this text.
    pub fn new(body: impl Into<String>) -> Arc<Self> {
        let body = body.into();
        let hash = redis::Script::new(&body).get_hash().to_owned();
        Arc::new(Self { body, hash })
    }

    /// A call of it. All keys must be in one slot; there is at least one.
    pub fn call<K: AsRef<[u8]>>(self: &Arc<Self>, keys: &[K]) -> Call {
        let mut cmd = redis::cmd("EVALSHA");
        cmd.arg(&self.hash).arg(keys.len());
        for key in keys {
            cmd.arg(key.as_ref());
        }
        let slot = keys.first().map_or(0, |key| slot_of(key.as_ref()));
        Call { slot, cmd, script: Some(Arc::clone(self)), reign: None }
    }

    pub(super) fn load(&self) -> Cmd {
        let mut cmd = redis::cmd("SCRIPT");
        cmd.arg("LOAD").arg(&self.body);
        cmd
    }
}

/// A command, with where it goes.
#[derive(Debug)]
pub struct Call {
    slot: u16,
    cmd: Cmd,
    script: Option<Arc<Script>>,
    reign: Option<Reign>,
}

impl Call {
    /// A command whose first argument is the key that says where it goes.
    pub fn command(name: &str, key: impl AsRef<[u8]>) -> Self {
        let mut call = Self::at(slot_of(key.as_ref()), name);
        call.cmd.arg(key.as_ref());
        call
    }

    /// A command without a key, to the primary of `slot`.
    pub fn at(slot: u16, name: &str) -> Self {
        Self { slot, cmd: redis::cmd(name), script: None, reign: None }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl ToRedisArgs) -> Self {
        self.cmd.arg(arg);
        self
    }

    /// Makes it good for that reign only.
    pub fn under(self, reign: &Reign) -> Self {
        Self { reign: Some(reign.clone()), ..self }
    }

    pub(super) fn reign(&self) -> Option<&Reign> {
        self.reign.as_ref()
    }

    /// Where it goes.
    pub fn slot(&self) -> u16 {
        self.slot
    }

    pub(super) fn cmd(&self) -> &Cmd {
        &self.cmd
    }

    pub(super) fn script(&self) -> Option<&Script> {
        self.script.as_deref()
    }

    /// Bytes of its arguments.
    pub(super) fn bytes(&self) -> usize {
        self.cmd
            .args_iter()
            .map(|arg| match arg {
                redis::Arg::Simple(bytes) => bytes.len(),
                _ => 0,
            })
            .sum()
    }
}

/// What a server replied.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The value, in the terms of RESP3.
    pub value: Value,
    /// Who.
    pub served: Served,
}

/// The primary that served a call, during one reign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Which.
    pub reign: Reign,
    pub(super) slot: u16,
}
