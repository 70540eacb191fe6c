//! The scripts. Bounds that they obey are those of the protocol's limits.

use std::sync::Arc;

use tidegate_protocol::limits::{
    EPOCH_SEQ_STRIDE, FENCE_STRIDE, FRAME_KEY_TTL_MS, FRAME_KEYS_MAX, OWED_MAX, OWED_SIGNALS_MAX,
    REDIS_GONE_MS, REDIS_MEMBERS_KEPT_MS, REDIS_SILENT_MS,
};

use super::connect::Script;

const HEAD: &str = include_str!("lua/head.lua");
const FLOOR: &str = include_str!("lua/floor.lua");

/// First line of a script that is refused where memory is full.
const ANY: &str = "#!lua\n";
/// Of one that runs all the same, since it frees memory, or keeps what is there together.
const SMALL: &str = "#!lua flags=allow-oom\n";

/// One script per kind of step.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) append: Arc<Script>,
    pub(super) commit: Arc<Script>,
    pub(super) lease: Arc<Script>,
    pub(super) delete: Arc<Script>,
    pub(super) enforce: Arc<Script>,
    pub(super) mend: Arc<Script>,
    pub(super) read: Arc<Script>,
    pub(super) claim: Arc<Script>,
    pub(super) give_up: Arc<Script>,
    pub(super) beat: Arc<Script>,
    pub(super) announce: Arc<Script>,
    pub(super) leave: Arc<Script>,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            append: Script::new(format!("{ANY}{}{}", bounds(), include_str!("lua/append.lua"))),
            commit: changing(ANY, &[FLOOR, include_str!("lua/commit.lua")]),
            lease: changing(SMALL, &[include_str!("lua/lease.lua")]),
            delete: changing(SMALL, &[include_str!("lua/delete.lua")]),
            enforce: changing(SMALL, &[FLOOR, include_str!("lua/enforce.lua")]),
            mend: changing(SMALL, &[include_str!("lua/mend.lua")]),
            read: Script::new(format!("#!lua flags=no-writes\n{}", include_str!("lua/read.lua"))),
            claim: changing(ANY, &[include_str!("lua/claim.lua")]),
            give_up: changing(SMALL, &[include_str!("lua/give_up.lua")]),
            beat: of_members(include_str!("lua/beat.lua")),
            announce: of_members(include_str!("lua/announce.lua")),
            leave: of_members(include_str!("lua/leave.lua")),
        }
    }

    pub(super) fn all(&self) -> Vec<Arc<Script>> {
        let commits = [&self.append, &self.commit];
        let sessions = [&self.lease, &self.delete, &self.enforce, &self.mend, &self.read];
        let fleet = [&self.claim, &self.give_up, &self.beat, &self.announce, &self.leave];
        commits.into_iter().chain(sessions).chain(fleet).map(Arc::clone).collect()
    }
}

fn changing(flags: &str, parts: &[&str]) -> Arc<Script> {
    Script::new(format!("{flags}{}{HEAD}{}", bounds(), parts.concat()))
}

fn bounds() -> String {
    format!(
        "local FRAMES_MAX, FRAME_TTL, STRIDE, FENCES = {FRAME_KEYS_MAX}, {FRAME_KEY_TTL_MS}, \
         {EPOCH_SEQ_STRIDE}, {FENCE_STRIDE}\nlocal OWED_MAX, OWED_SIGNALS_MAX = {OWED_MAX}, \
         {OWED_SIGNALS_MAX}\n"
    )
}

fn of_members(script: &str) -> Arc<Script> {
    let bounds = format!(
        "local GONE, SILENT, KEEP = {REDIS_GONE_MS}, {REDIS_SILENT_MS}, {REDIS_MEMBERS_KEPT_MS}\n"
    );
    Script::new(format!("{SMALL}{bounds}{script}"))
}
