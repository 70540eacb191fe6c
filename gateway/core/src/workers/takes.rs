//! What is taken over from a head start: by the workers that the work could go to, and by the one
//! that it went to (R-HDS-26).

use tidegate_protocol::link::AgentSpec;

use super::pool::Want;
use super::registration;
use super::registry::Workers;
use super::work::Slot;
use crate::agents::TakesOver;

impl Workers {
    /// What `want` takes over wherever it goes now: the least that workers of its version do. Where
    /// nobody has that, what the worker did that came last.
    pub(crate) fn takes_over(&self, want: &Want) -> Option<TakesOver> {
        let here = self.state.lock().pool.specs(&want.agent);
        let roster = self.serving.roster().read();
        let here = here.iter().map(|(since, spec)| (*since, &**spec));
        let is_wanted =
            |spec: &AgentSpec| want.version.as_deref().is_none_or(|v| v == spec.version);
        let able: Vec<_> =
            here.chain(roster.specs(&want.agent)).filter(|(_, spec)| is_wanted(spec)).collect();
        let Some((_, newest)) = able.iter().max_by_key(|(since, _)| *since) else {
            return self.agents.takes_over(&want.agent, want.version.as_deref());
        };
        let alike = able.iter().map(|(_, spec)| spec).filter(|s| s.version == newest.version);
        let takes = alike.map(|spec| registration::takes_over(spec));
        takes.reduce(|one, other| Some(one?.least(&other?))).flatten()
    }
}

impl Slot {
    /// What the worker takes over.
    pub(crate) fn takes_over(&self) -> Option<TakesOver> {
        registration::takes_over(self.spec.as_ref()?)
    }
}
