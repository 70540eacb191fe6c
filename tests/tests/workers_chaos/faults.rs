//! What is done to workers, links and the gateway.

use std::path::Path;
use std::time::Duration;

use tidegate_protocol::limits::LINK_LEASE_MS;
use tidegate_tests::process::Gateway;

use crate::recovery::{Kind, Recovery};
use crate::rng::Rng;
use crate::worker::{Mode, Worker};

/// Workers of each mode.
const WORKERS: usize = 2;
const CAPACITY: usize = 8;

/// A gateway and its workers.
pub(crate) struct World {
    pub(crate) gateway: Gateway,
    workers: Vec<Worker>,
    /// Frozen workers that came back and were refused.
    pub(crate) refusals: usize,
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    KillWorker,
    KillGateway,
    Cut,
    HalfClose,
    Stall,
}

impl Fault {
    pub(crate) fn any(rng: &mut Rng) -> Self {
        match rng.below(8) {
            0..3 => Self::KillWorker,
            3 => Self::KillGateway,
            4 | 5 => Self::Cut,
            6 => Self::HalfClose,
            _ => Self::Stall,
        }
    }
}

impl World {
    pub(crate) async fn start(dir: &Path) -> Self {
        let store = format!("disk:{}", dir.join("data").display());
        let gateway = Gateway::start(dir, &store, "").await;
        let mut workers = Vec::new();
        for number in 0..WORKERS {
            for mode in [Mode::Turns, Mode::Runs] {
                let name = format!("{}{number}", mode.agent());
                let address = &gateway.address;
                workers.push(Worker::start(dir, address, mode, &name, "1", CAPACITY).await);
            }
        }
        Self { gateway, workers, refusals: 0 }
    }

    /// Does `fault` to something, and mends it.
    pub(crate) async fn suffer(&mut self, fault: Fault, rng: &mut Rng, recovery: &Recovery) {
        recovery.disturb();
        let worker = rng.below(self.workers.len() as u64) as usize;
        let worker = &mut self.workers[worker];
        match fault {
            Fault::KillWorker => {
                recovery.lost(Kind::Killed, &[&worker.tag()]);
                worker.kill();
                tokio::time::sleep(Duration::from_millis(rng.below(300))).await;
                worker.spawn();
            }
            Fault::KillGateway => {
                recovery.lost(Kind::Gateway, &[]);
                self.gateway.kill();
                tokio::time::sleep(Duration::from_millis(rng.below(100))).await;
                self.gateway.restart().await;
            }
            Fault::Cut => worker.proxy.cut(),
            Fault::HalfClose => worker.proxy.half_close(),
            Fault::Stall => {
                worker.proxy.stall(true);
                tokio::time::sleep(Duration::from_millis(50 + rng.below(500))).await;
                worker.proxy.stall(false);
            }
        }
    }

    /// A worker that writes just now.
    async fn busy(&self, mode: Mode, recovery: &Recovery) -> &Worker {
        loop {
            let serves = |worker: &&Worker| recovery.serves(&worker.tag());
            let mut workers = self.workers.iter().filter(|worker| worker.mode == mode);
            if let Some(worker) = workers.find(serves) {
                return worker;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Past the lease: one worker of mode `runs` is frozen, and the network of one of mode `turns`
    /// swallows everything.
    pub(crate) async fn freeze(&mut self, rng: &mut Rng, recovery: &Recovery) {
        let frozen = self.busy(Mode::Runs, recovery).await;
        let unheard = self.busy(Mode::Turns, recovery).await;
        let before = frozen.refusals();
        recovery.disturb();
        recovery.lost(Kind::Frozen, &[&frozen.tag(), &unheard.tag()]);
        frozen.freeze(true);
        unheard.proxy.stall(true);
        let past = Duration::from_millis(LINK_LEASE_MS + 500 + rng.below(1_000));
        tokio::time::sleep(past).await;
        unheard.proxy.stall(false);
        frozen.freeze(false);
        // It says at once what it still had to say, and is refused.
        tokio::time::sleep(Duration::from_millis(500)).await;
        self.refusals += frozen.refusals() - before;
    }
}
