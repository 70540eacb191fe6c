//! The scripts. Bounds that they obey are those of the protocol's limits.

use std::sync::Arc;

use tidegate_protocol::limits::{
    EPOCH_SEQ_STRIDE, FRAME_KEY_TTL_MS, FRAME_KEYS_MAX, OWED_MAX, OWED_SIGNALS_MAX,
};

use super::connect::Script;

const HEAD: &str = include_str!("lua/head.lua");
const FLOOR: &str = include_str!("lua/floor.lua");

/// One script per kind of step.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) commit: Arc<Script>,
    pub(super) lease: Arc<Script>,
    pub(super) delete: Arc<Script>,
    pub(super) enforce: Arc<Script>,
    pub(super) read: Arc<Script>,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            commit: changing(&[FLOOR, include_str!("lua/commit.lua")]),
            lease: changing(&[include_str!("lua/lease.lua")]),
            delete: changing(&[include_str!("lua/delete.lua")]),
            enforce: changing(&[FLOOR, include_str!("lua/enforce.lua")]),
            read: Script::new(format!("#!lua flags=no-writes\n{}", include_str!("lua/read.lua"))),
        }
    }

    pub(super) fn all(&self) -> Vec<Arc<Script>> {
        [&self.commit, &self.lease, &self.delete, &self.enforce, &self.read].map(Arc::clone).into()
    }
}

fn changing(parts: &[&str]) -> Arc<Script> {
    let bounds = format!(
        "local FRAMES_MAX, FRAME_TTL, STRIDE = {FRAME_KEYS_MAX}, {FRAME_KEY_TTL_MS}, \
         {EPOCH_SEQ_STRIDE}\nlocal OWED_MAX, OWED_SIGNALS_MAX = {OWED_MAX}, {OWED_SIGNALS_MAX}\n"
    );
    Script::new(format!("#!lua\n{bounds}{HEAD}{}", parts.concat()))
}
