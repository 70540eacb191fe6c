//! Which worker takes a piece of work (R-LNK-17, R-LNK-18). Pure: no locks, clocks or sockets.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tidegate_protocol::limits::SUBAGENT_DEPTH_MAX;
use tidegate_protocol::link::AgentSpec;

use crate::agents::AgentKey;

/// Versions of one agent that are remembered beyond those that are connected.
pub(super) const VERSIONS_MAX: usize = 100;

/// A worker in an environment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkerKey {
    /// The environment's name.
    pub environment: Arc<str>,
    /// The worker's id.
    pub worker: Arc<str>,
}

/// What a piece of work needs.
#[derive(Clone, Debug)]
pub struct Want {
    /// Whose.
    pub agent: AgentKey,
    /// Only this version.
    pub version: Option<Arc<str>>,
    /// How many sessions stand between it and one that a client made.
    pub depth: usize,
    /// The worker that last served the session.
    pub prefer: Option<Arc<str>>,
}

/// Where it can go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// To this worker, which runs this version.
    Take(WorkerKey, Arc<str>),
    /// Workers would do, but none has room.
    Full,
    /// No connected worker has the agent in that version.
    Missing,
}

/// The connected workers and what they have room for.
#[derive(Debug, Default)]
pub(super) struct Pool {
    members: HashMap<WorkerKey, Member>,
    agents: HashMap<AgentKey, Vec<Version>>,
    generations: u64,
}

#[derive(Debug)]
struct Member {
    capacity: usize,
    /// Pieces of work by depth.
    used: [usize; SUBAGENT_DEPTH_MAX + 1],
    /// What it registered.
    specs: Vec<(AgentKey, Arc<AgentSpec>)>,
    /// Takes new work.
    open: bool,
    /// Tells it from an earlier member of the same name.
    generation: u64,
}

/// A version of an agent and the workers that run it; the list is in the order of first sight.
#[derive(Debug)]
struct Version {
    name: Arc<str>,
    /// As its newest worker registered it.
    spec: Arc<AgentSpec>,
    /// When any gateway first saw it, Unix ms.
    since: u64,
    workers: HashSet<WorkerKey>,
}

/// A version of an agent that a worker runs.
#[derive(Clone, Debug)]
pub(super) struct Runs {
    pub(super) agent: AgentKey,
    pub(super) spec: Arc<AgentSpec>,
    /// When any gateway first saw the version, Unix ms.
    pub(super) since: u64,
}

/// A version of an agent that somebody can run now.
#[derive(Debug)]
pub(super) struct Offer<'a> {
    pub(super) spec: &'a Arc<AgentSpec>,
    pub(super) since: u64,
    /// By depth.
    pub(super) room: [usize; SUBAGENT_DEPTH_MAX + 1],
    pub(super) workers: Vec<&'a WorkerKey>,
}

impl Pool {
    /// A worker comes, or comes again with other agents. What it has in use stays counted.
    pub(super) fn join(&mut self, key: &WorkerKey, capacity: usize, agents: Vec<Runs>) {
        let (used, generation) = self.leave(key).unwrap_or_else(|| {
            self.generations += 1;
            (Default::default(), self.generations)
        });
        let mut specs = Vec::with_capacity(agents.len());
        for Runs { agent, mut spec, since } in agents {
            let versions = self.agents.entry(agent.clone()).or_default();
            match versions.iter_mut().find(|version| *version.name == *spec.version) {
                Some(version) => {
                    version.workers.insert(key.clone());
                    // Shared, so that it is seen at once where all have registered the same.
                    if *version.spec == *spec {
                        spec = Arc::clone(&version.spec);
                    }
                    (version.spec, version.since) = (Arc::clone(&spec), since);
                }
                None => {
                    let (name, workers) = (spec.version.as_str(), HashSet::from([key.clone()]));
                    let (name, spec) = (name.into(), Arc::clone(&spec));
                    versions.push(Version { name, spec, since, workers });
                    forget_oldest(versions);
                }
            }
            // Stable: of versions that are equally old, the one seen later here is the newer.
            versions.sort_by_key(|version| version.since);
            specs.push((agent, spec));
        }
        let member = Member { capacity, used, specs, open: true, generation };
        self.members.insert(key.clone(), member);
    }

    /// A worker is gone. Gives what it had in use, and its generation.
    pub(super) fn leave(
        &mut self,
        key: &WorkerKey,
    ) -> Option<([usize; SUBAGENT_DEPTH_MAX + 1], u64)> {
        let member = self.members.remove(key)?;
        for (agent, spec) in &member.specs {
            let versions = self.agents.get_mut(agent).into_iter().flatten();
            for version in versions.filter(|version| *version.name == *spec.version) {
                version.workers.remove(key);
            }
        }
        Some((member.used, member.generation))
    }

    /// A worker takes new work, or does not: its connection is cut, or it drains.
    pub(super) fn set_open(&mut self, key: &WorkerKey, open: bool) {
        if let Some(member) = self.members.get_mut(key) {
            member.open = open;
        }
    }

    /// Where `want` can go now.
    pub(super) fn choose(&self, want: &Want) -> Choice {
        let Some(version) = self.version(want) else { return Choice::Missing };
        let room = |key: &&WorkerKey| self.room(key, want.depth) > 0;
        let preferred = |key: &&WorkerKey| Some(&key.worker) == want.prefer.as_ref();
        let open = || version.workers.iter().filter(|key| self.is_open(key)).filter(room);
        let best = open().find(preferred).or_else(|| {
            // The id decides between equals, so that a seed decides a simulation.
            open().max_by_key(|key| (self.room(key, want.depth), std::cmp::Reverse(&key.worker)))
        });
        match best {
            Some(worker) => Choice::Take(worker.clone(), Arc::clone(&version.name)),
            None => Choice::Full,
        }
    }

    /// The workers that could take `want` if they had room.
    pub(super) fn candidates(&self, want: &Want) -> Vec<WorkerKey> {
        let version = self.version(want);
        let workers = version.into_iter().flat_map(|version| &version.workers);
        workers.filter(|key| self.is_open(key)).cloned().collect()
    }

    /// The versions of `agent` that can be run here.
    pub(super) fn offers<'a>(&'a self, agent: &AgentKey) -> impl Iterator<Item = Offer<'a>> {
        self.agents.get(agent).into_iter().flatten().filter_map(|version| self.offer(version))
    }

    /// Every agent that can be run here, and its versions.
    pub(super) fn all_offers(&self) -> impl Iterator<Item = (&AgentKey, Offer<'_>)> {
        self.agents.iter().flat_map(move |(agent, versions)| {
            versions.iter().filter_map(move |version| Some((agent, self.offer(version)?)))
        })
    }

    fn offer<'a>(&self, version: &'a Version) -> Option<Offer<'a>> {
        let open: Vec<_> = version.workers.iter().filter(|key| self.is_open(key)).collect();
        let room = std::array::from_fn(|depth| open.iter().map(|key| self.room(key, depth)).sum());
        let (spec, since) = (&version.spec, version.since);
        (!open.is_empty()).then_some(Offer { spec, since, room, workers: open })
    }

    /// The agents of a worker.
    pub(super) fn agents_of(&self, key: &WorkerKey) -> Vec<AgentKey> {
        let specs = self.members.get(key).map(|member| &member.specs);
        specs.into_iter().flatten().map(|(agent, _)| agent.clone()).collect()
    }

    /// What a worker registered of `agent`.
    pub(super) fn spec(&self, key: &WorkerKey, agent: &AgentKey) -> Option<&Arc<AgentSpec>> {
        let specs = &self.members.get(key)?.specs;
        specs.iter().find(|(own, _)| own == agent).map(|(_, spec)| spec)
    }

    /// What the workers registered that take work of `agent`, with the time when any gateway first
    /// saw their version, Unix ms.
    pub(super) fn specs(&self, agent: &AgentKey) -> Vec<(u64, Arc<AgentSpec>)> {
        let mut specs: Vec<(u64, Arc<AgentSpec>)> = Vec::new();
        for version in self.agents.get(agent).into_iter().flatten() {
            let open = version.workers.iter().filter(|key| self.is_open(key));
            for spec in open.filter_map(|key| self.spec(key, agent)) {
                if specs.last().is_none_or(|(_, last)| !Arc::ptr_eq(last, spec)) {
                    specs.push((version.since, Arc::clone(spec)));
                }
            }
        }
        specs
    }

    /// Counts a piece of work. Gives the generation of the worker.
    pub(super) fn take(&mut self, key: &WorkerKey, depth: usize) -> u64 {
        self.members.get_mut(key).map_or(0, |member| {
            member.used[depth.min(SUBAGENT_DEPTH_MAX)] += 1;
            member.generation
        })
    }

    /// Takes it off again, unless the worker left meanwhile.
    pub(super) fn give_back(&mut self, key: &WorkerKey, depth: usize, generation: u64) {
        let member = self.members.get_mut(key).filter(|member| member.generation == generation);
        if let Some(member) = member {
            let used = &mut member.used[depth.min(SUBAGENT_DEPTH_MAX)];
            *used = used.saturating_sub(1);
        }
    }

    /// The newest version that somebody can run, or the one that is asked for.
    fn version(&self, want: &Want) -> Option<&Version> {
        let versions = self.agents.get(&want.agent)?;
        let wanted = |version: &&Version| want.version.as_ref().is_none_or(|v| *v == version.name);
        let open = |version: &&Version| version.workers.iter().any(|key| self.is_open(key));
        versions.iter().rev().filter(wanted).find(open)
    }

    fn is_open(&self, key: &WorkerKey) -> bool {
        self.members.get(key).is_some_and(|member| member.open)
    }

    fn room(&self, key: &WorkerKey, depth: usize) -> usize {
        self.members.get(key).map_or(0, |member| {
            member.capacity.saturating_sub(member.used[depth.min(SUBAGENT_DEPTH_MAX)])
        })
    }
}

fn forget_oldest(versions: &mut Vec<Version>) {
    if versions.len() > VERSIONS_MAX
        && let Some(unused) = versions.iter().position(|version| version.workers.is_empty())
    {
        versions.remove(unused);
    }
}

#[cfg(test)]
mod tests {
    use tidegate_protocol::link::Mode;

    use super::*;

    fn worker(name: &str) -> WorkerKey {
        WorkerKey { environment: "dev".into(), worker: name.into() }
    }

    fn want(depth: usize) -> Want {
        Want { agent: AgentKey::new("dev", "a"), version: None, depth, prefer: None }
    }

    fn join(pool: &mut Pool, name: &str, capacity: usize, version: &str) {
        let spec = AgentSpec { version: version.into(), ..AgentSpec::new("a", Mode::Runs) };
        let agent = AgentKey::new("dev", "a");
        let runs = Runs { agent, spec: Arc::new(spec), since: 0 };
        pool.join(&worker(name), capacity, vec![runs]);
    }

    fn taken(pool: &Pool, want: &Want) -> Option<String> {
        match pool.choose(want) {
            Choice::Take(key, version) => Some(format!("{}:{version}", key.worker)),
            _ => None,
        }
    }

    #[test]
    fn the_newest_version_wins_and_a_locked_session_waits_for_its_own() {
        let mut pool = Pool::default();
        assert_eq!(pool.choose(&want(0)), Choice::Missing);
        join(&mut pool, "w1", 1, "1");
        join(&mut pool, "w2", 1, "2");
        assert_eq!(taken(&pool, &want(0)).as_deref(), Some("w2:2"));
        let locked = Want { version: Some("1".into()), ..want(0) };
        assert_eq!(taken(&pool, &locked).as_deref(), Some("w1:1"));
        let missing = Want { version: Some("3".into()), ..want(0) };
        assert_eq!(pool.choose(&missing), Choice::Missing);
        pool.take(&worker("w2"), 0);
        assert_eq!(pool.choose(&want(0)), Choice::Full, "an older version is no way out");
        pool.set_open(&worker("w2"), false);
        assert_eq!(taken(&pool, &want(0)).as_deref(), Some("w1:1"));
    }

    #[test]
    fn the_last_worker_is_preferred_then_the_one_with_most_room() {
        let mut pool = Pool::default();
        join(&mut pool, "w1", 5, "1");
        join(&mut pool, "w2", 2, "1");
        assert_eq!(taken(&pool, &want(0)).as_deref(), Some("w1:1"));
        let again = Want { prefer: Some("w2".into()), ..want(0) };
        assert_eq!(taken(&pool, &again).as_deref(), Some("w2:1"));
        pool.take(&worker("w2"), 0);
        pool.take(&worker("w2"), 0);
        assert_eq!(taken(&pool, &again).as_deref(), Some("w1:1"));
    }

    #[test]
    fn children_have_a_capacity_of_their_own() {
        let mut pool = Pool::default();
        join(&mut pool, "w1", 1, "1");
        let mut generation = 0;
        for depth in 0..3 {
            assert!(taken(&pool, &want(depth)).is_some());
            generation = pool.take(&worker("w1"), depth);
            assert_eq!(pool.choose(&want(depth)), Choice::Full);
        }
        join(&mut pool, "w1", 1, "1");
        assert_eq!(pool.choose(&want(0)), Choice::Full, "what is in use stays counted");
        pool.give_back(&worker("w1"), 0, generation + 1);
        assert_eq!(pool.choose(&want(0)), Choice::Full, "that was an earlier worker's");
        pool.give_back(&worker("w1"), 0, generation);
        assert!(taken(&pool, &want(0)).is_some());
    }
}
