//! What is done to the servers of Sentinel and Cluster.

use std::time::Duration;

use tidegate_store::servers::{Redis, until};
use tokio::time::sleep;

use crate::rng::Rng;
use crate::shared::{Shared, Topology};
use crate::world::World;

/// Between two failovers with `wait`.
const CALM: Duration = Duration::from_secs(5);

impl World {
    /// Sentinels make the replica the primary; the old one follows it.
    pub(crate) async fn fail_over(&self) {
        let Shared::Sentinels { servers, .. } = &self.shared else { return };
        in_step(&servers.servers).await;
        servers.fail_over().await;
        in_step(&servers.servers).await;
        // The old primary follows only after some ten seconds, in which nothing can be committed
        // with `wait`. Answers need time in between, or no patience is enough.
        if self.topology == Topology::SentinelsWait {
            sleep(CALM).await;
        }
    }

    /// The primary dies while its replica was behind by `behind`; what only it had is gone.
    pub(crate) async fn lossy_fail_over(&mut self, behind: Duration) {
        let Shared::Sentinels { servers, .. } = &mut self.shared else { return };
        in_step(&servers.servers).await;
        let primary = servers.primary().expect("there is a primary");
        let replica = 1 - primary;
        servers.servers[replica].pause();
        sleep(behind).await;
        servers.servers[primary].kill();
        servers.servers[replica].resume();
        until("the replica is the primary", || servers.primary() == Some(replica)).await;
        servers.servers[primary].restart();
        in_step(&servers.servers).await;
    }

    /// Moves a slot that holds sessions, in two steps: in between, half of it is elsewhere.
    pub(crate) async fn move_slot(&self, rng: &mut Rng, between: Duration) {
        let Shared::Cluster(cluster) = &self.shared else { return };
        let mut slots: Vec<u16> = Vec::new();
        for server in &cluster.servers {
            let keys: Vec<String> = server.ask(&["KEYS", "tg:*"]).expect("keys");
            let slot = |key: &String| server.ask::<u16>(&["CLUSTER", "KEYSLOT", key]).expect("up");
            slots.extend(keys.iter().take(64).map(slot));
        }
        let slot = slots[rng.below(slots.len() as u64) as usize];
        let from = cluster.server_of(slot);
        let to = (from + 1 + rng.below(2) as usize) % 3;
        cluster.begin_move(slot, to);
        sleep(between).await;
        cluster.move_slot(slot, to);
    }
}

/// Waits until one server is the primary, and the other has all that it has.
async fn in_step(servers: &[Redis]) {
    let link = |server: &Redis| server.ask::<String>(&["INFO", "replication"]).unwrap_or_default();
    until("the replica is in step", || {
        let infos: Vec<_> = servers.iter().map(link).collect();
        infos.iter().filter(|info| info.contains("role:master")).count() == 1
            && infos.iter().filter(|info| info.contains("master_link_status:up")).count() == 1
    })
    .await;
}
