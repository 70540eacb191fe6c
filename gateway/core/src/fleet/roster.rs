//! What the other gateways can do (R-FLT-3). Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_protocol::link::AgentSpec;

use super::share::keeper;
use crate::agents::AgentKey;
use crate::workers::Want;

/// What one gateway says of itself. Unknown fields are of a later version, and ignored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Announcement {
    /// It takes nothing new.
    pub draining: bool,
    /// The versions of agents that workers linked to it can run now.
    pub versions: Vec<Runnable>,
}

/// A version of an agent that a gateway has workers for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Runnable {
    /// The environment's name.
    pub environment: String,
    /// The agent, as its newest worker registered it.
    pub spec: AgentSpec,
    /// When a worker first registered the version there, Unix ms: the later one is the newer.
    pub since: u64,
    /// How much more work its workers take, by depth.
    pub room: Vec<usize>,
    /// How many runs would leave for more work, because they only wait for input, by depth.
    #[serde(default)]
    pub parked: Vec<usize>,
    /// Their ids.
    pub workers: Vec<String>,
}

/// Where work can go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// To a worker of this gateway, now or when there is room.
    Here,
    /// To a worker of that gateway, which has room or can make some.
    There(String),
    /// To a worker of another gateway once there is room; no worker of this one has the version.
    Later,
    /// No live worker runs the version that it must have.
    Nowhere,
}

/// The other gateways, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Roster {
    nodes: BTreeMap<String, Announcement>,
}

impl Roster {
    /// `node` is there, or says something new.
    pub fn see(&mut self, node: &str, announcement: Announcement) {
        self.nodes.insert(node.to_owned(), announcement);
    }

    /// `node` is gone.
    pub fn forget(&mut self, node: &str) {
        self.nodes.remove(node);
    }

    /// A gateway that takes sessions over; `choice` picks among equals.
    pub fn any(&self, choice: u64) -> Option<&str> {
        let open: Vec<_> = self.nodes.iter().filter(|(_, node)| !node.draining).collect();
        let index = usize::try_from(choice).unwrap_or(0).checked_rem(open.len())?;
        Some(open[index].0)
    }

    /// Does the gateway `own` look after `partition`? Not while another one does.
    pub fn looks_after(&self, own: &str, partition: u8) -> bool {
        let others = self.nodes.iter().filter(|(_, node)| !node.draining);
        let all = others.map(|(name, _)| &**name).chain([own]);
        keeper(all, partition) == Some(own)
    }

    /// Where `want` can go, if the workers of this gateway are `here`.
    pub fn whereabouts(&self, want: &Want, here: &Announcement) -> Whereabouts {
        let elsewhere = self.nodes.iter().filter(|(_, node)| !node.draining);
        let all = elsewhere.map(|(name, node)| (Some(name), node)).chain([(None, here)]);
        let able: Vec<_> = all
            .flat_map(|(name, node)| node.versions.iter().map(move |version| (name, version)))
            .filter(|(_, version)| version.serves(want))
            .collect();
        let Some((_, newest)) = able.iter().max_by_key(|(_, version)| version.since) else {
            return Whereabouts::Nowhere;
        };
        let name = newest.spec.version.clone();
        let mut best = None;
        for (node, version) in able.iter().filter(|(_, version)| version.spec.version == name) {
            let at = |places: &[usize]| places.get(want.depth).copied().unwrap_or(0);
            let (room, parked) = (at(&version.room), at(&version.parked));
            let known = want.prefer.as_ref().is_some_and(|id| version.has(id));
            // Of equals this gateway: it comes last, and nothing has to move.
            let rank = (room > 0, parked > 0, known, node.is_none(), room + parked);
            if best.as_ref().is_none_or(|(old, _)| rank >= *old) {
                best = Some((rank, *node));
            }
        }
        match best {
            Some(((true, ..) | (_, true, ..), Some(node))) => Whereabouts::There(node.clone()),
            _ if here.versions.iter().any(|own| own.serves(want) && own.spec.version == name) => {
                Whereabouts::Here
            }
            _ => Whereabouts::Later,
        }
    }

    /// What the others' workers registered that take work of `agent`, with the time when their
    /// version was first registered, Unix ms.
    pub fn specs(&self, agent: &AgentKey) -> impl Iterator<Item = (u64, &AgentSpec)> {
        let open = self.nodes.values().filter(|node| !node.draining);
        let of = move |version: &&Runnable| {
            *version.environment == *agent.environment && *version.spec.id == *agent.agent
        };
        open.flat_map(|node| &node.versions).filter(of).map(|v| (v.since, &v.spec))
    }

    /// The agents of the others, for whoever looks one up.
    pub fn agents(&self) -> impl Iterator<Item = (&str, &AgentSpec)> {
        let versions = self.nodes.values().flat_map(|node| &node.versions);
        versions.map(|version| (version.environment.as_str(), &version.spec))
    }
}

impl Runnable {
    fn serves(&self, want: &Want) -> bool {
        *self.environment == *want.agent.environment
            && *self.spec.id == *want.agent.agent
            && want.version.as_ref().is_none_or(|version| **version == *self.spec.version)
    }

    fn has(&self, worker: &Arc<str>) -> bool {
        self.workers.iter().any(|id| **id == **worker)
    }
}

#[cfg(test)]
mod tests {
    use tidegate_protocol::link::Mode;

    use super::*;

    /// A gateway whose worker `worker` has the version `version`, and these places for sessions.
    fn node(worker: &str, version: &str, room: usize, parked: usize) -> Announcement {
        let spec = AgentSpec { version: version.into(), ..AgentSpec::new("a", Mode::Runs) };
        let since = version.parse().expect("a number");
        let (room, parked) = (vec![room], vec![parked]);
        let workers = vec![worker.to_owned()];
        let version = Runnable { environment: "dev".into(), spec, since, room, parked, workers };
        Announcement { draining: false, versions: vec![version] }
    }

    fn want() -> Want {
        let agent = AgentKey::new("dev", "a");
        Want { agent, version: None, depth: 0, prefer: Some("last".into()) }
    }

    #[test]
    fn work_goes_where_there_is_room_and_then_where_room_can_be_made() {
        let there = || Whereabouts::There("n".to_owned());
        let cases = [
            (node("w", "1", 0, 0), node("w", "1", 0, 0), Whereabouts::Here),
            (node("w", "1", 1, 0), node("w", "1", 1, 0), Whereabouts::Here),
            (node("w", "1", 1, 0), node("last", "1", 1, 0), there()),
            (node("w", "1", 0, 0), node("w", "1", 1, 0), there()),
            (node("w", "1", 0, 0), node("w", "1", 0, 1), there()),
            (node("w", "1", 0, 1), node("w", "1", 0, 1), Whereabouts::Here),
            (node("w", "1", 0, 1), node("w", "1", 1, 0), there()),
            (node("w", "1", 1, 0), node("last", "1", 0, 1), Whereabouts::Here),
            (node("w", "1", 1, 0), node("w", "2", 0, 1), there()),
            (node("w", "1", 1, 0), node("w", "2", 0, 0), Whereabouts::Later),
            (node("w", "2", 0, 0), node("w", "1", 1, 0), Whereabouts::Here),
            (Announcement::default(), node("w", "1", 0, 0), Whereabouts::Later),
            (Announcement::default(), Announcement::default(), Whereabouts::Nowhere),
        ];
        for (here, other, expected) in cases {
            let mut roster = Roster::default();
            roster.see("n", other.clone());
            assert_eq!(roster.whereabouts(&want(), &here), expected, "{here:?} and {other:?}");
        }
    }
}
