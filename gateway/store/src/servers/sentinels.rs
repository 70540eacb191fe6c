//! One primary, its replicas, and the Sentinels that watch them.

use std::time::Duration;

use tokio::time::timeout;

use super::config::Config;
use super::server::Redis;
use super::until::until;

/// A primary with replicas, watched by three Sentinels as `tidegate`.
#[derive(Debug)]
pub struct Sentinels {
    /// The first was the primary at first.
    pub servers: Vec<Redis>,
    /// The three.
    pub sentinels: Vec<Redis>,
}

impl Sentinels {
    /// Starts a primary and so many replicas, with `config` for each of them.
    ///
    /// # Panics
    /// If they don't come up.
    pub async fn start(config: Config, replicas: usize) -> Self {
        let primary = Redis::start(config.clone());
        let replica = || Redis::start(config.clone().replica_of(primary.port()));
        let followers: Vec<_> = std::iter::repeat_with(replica).take(replicas).collect();
        let watching = Config::new()
            .line(format!("sentinel monitor tidegate 127.0.0.1 {} 2", primary.port()))
            .line("sentinel down-after-milliseconds tidegate 500")
            .line("sentinel failover-timeout tidegate 3000");
        let sentinels: Vec<_> =
            std::iter::repeat_with(|| Redis::start_sentinel(&watching)).take(3).collect();
        let mut servers = vec![primary];
        servers.extend(followers);
        let all = Self { servers, sentinels };
        until("the Sentinels know all", || all.sentinels.iter().all(|s| knows(s, replicas))).await;
        all
    }

    /// Their URL.
    pub fn url(&self) -> String {
        let hosts = self.sentinels.iter().map(|each| format!("127.0.0.1:{}", each.port()));
        format!("redis-sentinel://{}/tidegate", hosts.collect::<Vec<_>>().join(","))
    }

    /// Index of the primary among the servers, as a Sentinel has it.
    pub fn primary(&self) -> Option<usize> {
        let command = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "tidegate"];
        let (_, port): (String, u16) = self.sentinels[0].ask(&command).ok()?;
        self.servers.iter().position(|server| server.port() == port)
    }

    /// Makes another server the primary.
    ///
    /// # Panics
    /// If that does not happen.
    pub async fn fail_over(&self) {
        let before = self.primary();
        let limit = Duration::from_secs(30);
        let failed_over = async || {
            until("a failover begins", || {
                self.sentinels[0].ask::<String>(&["SENTINEL", "FAILOVER", "tidegate"]).is_ok()
            })
            .await;
            until("another is the primary", || self.primary() != before).await;
        };
        // One that takes too long is given up by the Sentinel, and asked for again. Not earlier:
        // one right after another may go back to a server that has not caught up.
        while timeout(limit, failed_over()).await.is_err() {}
    }
}

fn knows(sentinel: &Redis, replicas: usize) -> bool {
    let Ok(info) = sentinel.ask::<String>(&["INFO", "sentinel"]) else { return false };
    info.contains("status=ok") && info.contains(&format!("slaves={replicas},sentinels=3"))
}
