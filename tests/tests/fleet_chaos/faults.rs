//! What is done to gateways and servers.

use std::time::Duration;

use tokio::time::sleep;

use crate::report::Report;
use crate::rng::Rng;
use crate::shared::{Shared, Topology};
use crate::world::{NODES, World};

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    KillGateway,
    FreezeGateway,
    CutRedis,
    RestartRedis,
    KillPubSub,
    KillConnections,
    KillWorker,
    RollingRestart,
    FailOver,
    LossyFailOver,
    MoveSlot,
}

use Fault::{
    CutRedis, FailOver, FreezeGateway, KillConnections, KillGateway, KillPubSub, KillWorker,
    LossyFailOver, MoveSlot, RestartRedis, RollingRestart,
};

impl Fault {
    /// What happens in a topology, in proportion.
    fn all(topology: Topology) -> &'static [Self] {
        match topology {
            Topology::Single => &[
                KillGateway,
                KillGateway,
                KillGateway,
                FreezeGateway,
                FreezeGateway,
                CutRedis,
                CutRedis,
                RestartRedis,
                RestartRedis,
                KillPubSub,
                KillConnections,
                KillWorker,
                RollingRestart,
            ],
            Topology::Sentinels | Topology::SentinelsWait => {
                &[KillGateway, KillConnections, FailOver, FailOver, LossyFailOver, LossyFailOver]
            }
            Topology::Cluster => {
                &[KillGateway, FreezeGateway, KillConnections, MoveSlot, MoveSlot, MoveSlot]
            }
        }
    }

    /// The `round`th one: each comes once before any comes again by chance.
    pub(crate) fn of(topology: Topology, round: usize, rng: &mut Rng) -> Self {
        let all = Self::all(topology);
        let mut kinds = all.to_vec();
        kinds.dedup();
        // Drawn in any case, so that a seed means the same in the short and in the long form.
        let any = all[rng.below(all.len() as u64) as usize];
        kinds.get(round).copied().unwrap_or(any)
    }
}

impl World {
    /// Does `fault` to something, and mends it.
    pub(crate) async fn suffer(&mut self, fault: Fault, rng: &mut Rng, report: &Report) {
        report.begins(fault);
        let node = rng.below(NODES as u64) as usize;
        let pause = Duration::from_millis(rng.below(2_000));
        match fault {
            KillGateway => {
                self.gateways[node].kill();
                sleep(pause).await;
                self.gateways[node].spawn().await;
            }
            FreezeGateway => {
                self.gateways[node].freeze(true);
                // Half of them for longer than a gateway may be silent.
                sleep(Duration::from_millis(300) + pause * 2).await;
                self.gateways[node].freeze(false);
            }
            CutRedis => self.cut(node, pause * 2).await,
            RestartRedis => self.restart_redis(pause / 2).await,
            KillPubSub => self.kill_clients(&["pubsub"]),
            KillConnections => self.kill_clients(&["pubsub", "normal"]),
            KillWorker => {
                let worker = rng.below(self.workers.len() as u64) as usize;
                self.workers[worker].kill();
                sleep(pause / 4).await;
                self.workers[worker].spawn();
            }
            RollingRestart => self.roll().await,
            FailOver => self.fail_over().await,
            LossyFailOver => self.lossy_fail_over(pause / 4).await,
            MoveSlot => self.move_slot(rng, pause / 4).await,
        }
    }

    /// One gateway loses its connections to Redis and gets no others for a while.
    async fn cut(&self, node: usize, held: Duration) {
        let Shared::Single { links, .. } = &self.shared else { return };
        links[node].stall(true);
        links[node].cut();
        sleep(held).await;
        links[node].stall(false);
        // Those that were opened meanwhile are of no use any more, as after a real partition.
        links[node].cut();
    }

    async fn restart_redis(&mut self, pause: Duration) {
        let Shared::Single { redis, .. } = &mut self.shared else { return };
        redis.kill();
        sleep(pause).await;
        redis.restart();
    }

    fn kill_clients(&self, kinds: &[&str]) {
        for server in self.shared.servers() {
            for kind in kinds {
                // Of a server that is down there are none.
                let _ = server.ask::<i64>(&["CLIENT", "KILL", "TYPE", kind]);
            }
        }
    }

    /// Every gateway is replaced, one after the other.
    pub(crate) async fn roll(&mut self) {
        for gateway in &mut self.gateways {
            let status = gateway.drain().await;
            assert_eq!(status.code(), Some(0), "a drain ends well");
            gateway.spawn().await;
            // The balancer has to find it before the next one goes.
            sleep(Duration::from_millis(1_200)).await;
        }
    }
}
