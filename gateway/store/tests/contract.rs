//! Every store keeps the contract.

use std::env;
use std::sync::Arc;

use tempfile::TempDir;
use tidegate_core::seams::Clock;
use tidegate_core::seams::store::Retention;
use tidegate_store::contract::StoreFactory;
use tidegate_store::contract::simulate::random_operations_match_the_model;
use tidegate_store::{DiskStore, ListenableStore, MemoryStore, contract_suite};

struct Memory;

impl StoreFactory for Memory {
    fn open(&self, clock: Arc<dyn Clock>, retention: Retention) -> Arc<dyn ListenableStore> {
        Arc::new(MemoryStore::new(clock, retention, None))
    }

    fn is_durable(&self) -> bool {
        false
    }
}

struct Disk(TempDir);

impl Disk {
    fn new() -> Self {
        Self(TempDir::new().expect("a directory"))
    }
}

impl StoreFactory for Disk {
    fn open(&self, clock: Arc<dyn Clock>, retention: Retention) -> Arc<dyn ListenableStore> {
        Arc::new(DiskStore::open(self.0.path(), clock, retention).expect("a store"))
    }

    fn is_durable(&self) -> bool {
        true
    }
}

mod memory {
    use super::*;

    contract_suite!(Memory);

    #[tokio::test]
    async fn matches_the_model() {
        for seed in seeds(20) {
            random_operations_match_the_model(&Memory, seed, 2_000).await;
        }
    }
}

mod disk {
    use super::*;

    contract_suite!(Disk::new());

    #[tokio::test]
    async fn matches_the_model() {
        for seed in seeds(4) {
            random_operations_match_the_model(&Disk::new(), seed, 1_000).await;
        }
    }
}

/// `TIDEGATE_SEED` alone, or `count` fixed ones (ten times as many with `TIDEGATE_LONG=1`).
#[expect(clippy::print_stdout, reason = "a failure is repeated by its seed")]
fn seeds(count: u64) -> impl Iterator<Item = u64> {
    let one = env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok());
    let count = if env::var_os("TIDEGATE_LONG").is_some() { 10 * count } else { count };
    let seeds = one.map_or(0..count, |seed| seed..seed + 1);
    seeds.inspect(|seed| println!("TIDEGATE_SEED={seed}"))
}
