//! Every store keeps the contract.

use std::env;
use std::sync::Arc;

use tempfile::TempDir;
use tidegate_core::seams::clock::SystemClock;
use tidegate_core::seams::store::Retention;
use tidegate_core::seams::{BoxFuture, Clock};
use tidegate_store::contract::StoreFactory;
use tidegate_store::contract::simulate::random_operations_match_the_model;
use tidegate_store::redis::connect::RedisUrl;
use tidegate_store::servers::{Config, Redis};
use tidegate_store::{
    DiskStore, ListenableStore, MemoryStore, RedisStore, StoreTime, contract_suite,
};

struct Memory;

impl StoreFactory for Memory {
    fn open(
        &self,
        clock: Arc<dyn Clock>,
        retention: Retention,
    ) -> BoxFuture<'_, Arc<dyn ListenableStore>> {
        Box::pin(async move { Arc::new(MemoryStore::new(clock, retention, None)) as _ })
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
    fn open(
        &self,
        clock: Arc<dyn Clock>,
        retention: Retention,
    ) -> BoxFuture<'_, Arc<dyn ListenableStore>> {
        Box::pin(async move {
            Arc::new(DiskStore::open(self.0.path(), clock, retention).expect("a store")) as _
        })
    }

    fn is_durable(&self) -> bool {
        true
    }
}

/// A server of its own for each test.
struct Shared(Redis);

impl Shared {
    fn new() -> Self {
        Self(Redis::start(Config::new()))
    }
}

impl StoreFactory for Shared {
    fn open(
        &self,
        clock: Arc<dyn Clock>,
        retention: Retention,
    ) -> BoxFuture<'_, Arc<dyn ListenableStore>> {
        Box::pin(async move {
            let url = RedisUrl::parse(&self.0.url()).expect("a URL");
            let time = StoreTime::Clock(clock);
            let node = "node".to_owned();
            let store = RedisStore::open(url, time, Arc::new(SystemClock), retention, node).await;
            Arc::new(store.expect("a store")) as _
        })
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

mod redis {
    use super::*;

    contract_suite!(Shared::new());

    #[tokio::test]
    async fn matches_the_model() {
        for seed in seeds(2) {
            random_operations_match_the_model(&Shared::new(), seed, 1_000).await;
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
