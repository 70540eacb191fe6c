//! The servers that the gateways share.

use tidegate_store::servers::{Cluster, Config, Redis, Sentinels};

use crate::proxy::Proxy;
use crate::world::NODES;

/// Which servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topology {
    /// One server that syncs every write, behind a proxy for each gateway.
    Single,
    /// A primary and a replica, which may lose what is not replicated yet.
    Sentinels,
    /// The same; a commit counts only once the replica has it.
    SentinelsWait,
    /// Three primaries.
    Cluster,
}

impl Topology {
    /// May acknowledged data be lost?
    pub(crate) fn may_lose(self) -> bool {
        self == Self::Sentinels
    }
}

/// See the module.
pub(crate) enum Shared {
    Single { redis: Redis, links: Vec<Proxy> },
    Sentinels { servers: Sentinels, wait: bool },
    Cluster(Cluster),
}

impl Shared {
    pub(crate) async fn start(topology: Topology) -> Self {
        match topology {
            Topology::Single => {
                let redis = Redis::start(Config::new().durable());
                let mut links = Vec::new();
                for _ in 0..NODES {
                    links.push(Proxy::to(&format!("127.0.0.1:{}", redis.port())).await);
                }
                Self::Single { redis, links }
            }
            Topology::Sentinels | Topology::SentinelsWait => {
                let config = Config::new().durable();
                let (wait, servers) =
                    (topology == Topology::SentinelsWait, Sentinels::start(config, 1).await);
                Self::Sentinels { servers, wait }
            }
            Topology::Cluster => {
                Self::Cluster(Cluster::start(Config::new().durable(), false).await)
            }
        }
    }

    /// What the gateway `node` connects to.
    pub(crate) fn url(&self, node: usize) -> String {
        match self {
            Self::Single { links, .. } => format!("redis://{}", links[node].address),
            Self::Sentinels { servers, wait: true } => format!("{}?wait=1", servers.url()),
            Self::Sentinels { servers, .. } => servers.url(),
            Self::Cluster(cluster) => cluster.url(),
        }
    }

    /// All servers that hold data.
    pub(crate) fn servers(&self) -> &[Redis] {
        match self {
            Self::Single { redis, .. } => std::slice::from_ref(redis),
            Self::Sentinels { servers, .. } => &servers.servers,
            Self::Cluster(cluster) => &cluster.servers,
        }
    }
}
