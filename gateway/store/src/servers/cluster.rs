//! Three primaries with their slots.

use redis::Value;

use super::config::Config;
use super::server::Redis;
use super::until::until;

/// A Cluster of three primaries, and a replica for each if asked for.
#[derive(Debug)]
pub struct Cluster {
    /// The first three were the primaries at first; then their replicas, in the same order.
    pub servers: Vec<Redis>,
}

const RANGES: [(&str, &str); 3] = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];

impl Cluster {
    /// Starts it and waits until every server sees it whole.
    ///
    /// # Panics
    /// If it does not come about.
    pub async fn start(config: Config, with_replicas: bool) -> Self {
        let config = config.line("cluster-enabled yes").line("cluster-node-timeout 1000");
        let count = if with_replicas { 6 } else { 3 };
        let start = || Redis::start(config.clone());
        let servers: Vec<_> = std::iter::repeat_with(start).take(count).collect();
        for (server, (first, last)) in servers.iter().zip(RANGES) {
            let added = server.ask::<()>(&["CLUSTER", "ADDSLOTSRANGE", first, last]);
            added.expect("slots are given");
        }
        for (index, server) in servers.iter().enumerate() {
            let epoch = (index + 1).to_string();
            server.ask::<()>(&["CLUSTER", "SET-CONFIG-EPOCH", &epoch]).expect("an epoch");
        }
        for server in &servers[1..] {
            let port = servers[0].port().to_string();
            server.ask::<()>(&["CLUSTER", "MEET", "127.0.0.1", &port]).expect("they meet");
        }
        let cluster = Self { servers };
        until("all meet", || cluster.servers.iter().all(|s| known(s) == count)).await;
        cluster.replicate().await;
        until("the Cluster is whole", || cluster.servers.iter().all(whole)).await;
        cluster
    }

    /// Its URL.
    pub fn url(&self) -> String {
        let hosts = self.servers.iter().map(|each| format!("127.0.0.1:{}", each.port()));
        format!("redis-cluster://{}", hosts.collect::<Vec<_>>().join(","))
    }

    /// Index of the server that serves `slot`, as the servers themselves have it.
    ///
    /// # Panics
    /// If none says so.
    pub fn server_of(&self, slot: u16) -> usize {
        let serves = |server: &Redis| {
            let slots = server.ask::<Vec<Vec<Value>>>(&["CLUSTER", "SLOTS"]).unwrap_or_default();
            let port = i64::from(server.port());
            slots.iter().any(|range| {
                let [Value::Int(first), Value::Int(last), Value::Array(node), ..] = &range[..]
                else {
                    return false;
                };
                (*first..=*last).contains(&slot.into()) && node.get(1) == Some(&Value::Int(port))
            })
        };
        self.servers.iter().position(serves).expect("a slot has a server")
    }

    /// Moves a slot with its keys.
    ///
    /// # Panics
    /// If a server refuses.
    pub fn move_slot(&self, slot: u16, to: usize) {
        let from = self.server_of(slot);
        self.begin_move(slot, to);
        self.move_keys(slot, from, to);
        let (slot, id) = (slot.to_string(), self.id(to));
        for index in [to, from].into_iter().chain((0..3).filter(|i| *i != to && *i != from)) {
            let set = ["CLUSTER", "SETSLOT", &slot, "NODE", &id];
            self.servers[index].ask::<()>(&set).expect("the slot is set");
        }
    }

    /// Begins to move a slot: keys that are not there any more are asked for at the new place.
    ///
    /// # Panics
    /// If a server refuses.
    pub fn begin_move(&self, slot: u16, to: usize) {
        let from = self.server_of(slot);
        let (to_id, from_id, slot) = (self.id(to), self.id(from), slot.to_string());
        let importing = ["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id];
        self.servers[to].ask::<()>(&importing).expect("it imports");
        let migrating = ["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id];
        self.servers[from].ask::<()>(&migrating).expect("it migrates");
    }

    /// Moves the keys of a slot that is being moved; the slot itself stays.
    ///
    /// # Panics
    /// If a server refuses.
    pub fn move_keys(&self, slot: u16, from: usize, to: usize) {
        let (slot, port) = (slot.to_string(), self.servers[to].port().to_string());
        loop {
            let get = ["CLUSTER", "GETKEYSINSLOT", &slot, "100"];
            let keys: Vec<String> = self.servers[from].ask(&get).expect("keys");
            if keys.is_empty() {
                return;
            }
            let mut migrate = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
            migrate.extend(keys.iter().map(String::as_str));
            self.servers[from].ask::<()>(&migrate).expect("keys move");
        }
    }

    /// Makes the replica of a primary the primary in its place.
    ///
    /// # Panics
    /// If it stays what it is.
    pub async fn fail_over(&self, primary: usize) {
        let replica = &self.servers[primary + 3];
        until("a failover begins", || replica.ask::<String>(&["CLUSTER", "FAILOVER"]).is_ok())
            .await;
        until("the replica is a primary", || role(replica) == "master").await;
    }

    async fn replicate(&self) {
        for (index, replica) in self.servers.iter().enumerate().skip(3) {
            let id = self.id(index - 3);
            let replicate = || replica.ask::<()>(&["CLUSTER", "REPLICATE", &id]).is_ok();
            until("a replica takes its place", replicate).await;
        }
        until("replicas are in step", || self.servers.iter().skip(3).all(in_step)).await;
    }

    fn id(&self, index: usize) -> String {
        self.servers[index].ask(&["CLUSTER", "MYID"]).expect("an id")
    }
}

fn known(server: &Redis) -> usize {
    let nodes = server.ask::<String>(&["CLUSTER", "NODES"]).unwrap_or_default();
    nodes.lines().filter(|line| !line.contains("handshake")).count()
}

fn whole(server: &Redis) -> bool {
    let info = server.ask::<String>(&["CLUSTER", "INFO"]).unwrap_or_default();
    info.contains("cluster_state:ok")
}

fn role(server: &Redis) -> String {
    let role = server.ask::<Vec<Value>>(&["ROLE"]).unwrap_or_default();
    match role.first() {
        Some(Value::BulkString(name)) => String::from_utf8_lossy(name).into_owned(),
        _ => String::new(),
    }
}

fn in_step(server: &Redis) -> bool {
    let info = server.ask::<String>(&["INFO", "replication"]).unwrap_or_default();
    info.contains("master_link_status:up")
}
