//! A Redis and gateways on it.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::ReadersAt;
use crate::load::Site;
use crate::target::{Backend, Kind, Server, Store, Target, cpu};

/// The Redis is made for the run.
const ENVIRONMENT: &str = "default";

/// Running processes.
#[derive(Debug)]
pub struct Stage {
    /// Redis.
    pub redis: Server,
    /// Appends go here.
    pub first: Target,
    /// The other gateway, if there is one.
    pub second: Option<Target>,
}

impl Stage {
    /// Starts them on the target's core.
    pub fn start(binary: &Path, is_alone: bool) -> io::Result<Self> {
        let redis = Server::start()?;
        let store = Store::Url(redis.url());
        let kind = Kind::Gateway { binary: binary.to_owned(), store };
        let gateway = || Target::start_in(ENVIRONMENT, &kind, &Backend::Demo);
        let first = gateway()?;
        Ok(Self { first, second: (!is_alone).then(gateway).transpose()?, redis })
    }

    /// Where to append and to read.
    pub fn site(&self, readers_at: ReadersAt) -> Site {
        let reads = match (&self.second, readers_at) {
            (Some(second), ReadersAt::Other) => second,
            _ => &self.first,
        };
        Site {
            writes: self.first.address.clone(),
            reads: reads.address.clone(),
            pids: self.gateways().map(Target::pid).chain([self.redis.pid()]).collect(),
        }
    }

    /// CPU time of the gateways so far.
    pub fn gateways_cpu(&self) -> io::Result<Duration> {
        self.gateways().map(|gateway| cpu(gateway.pid())).sum()
    }

    fn gateways(&self) -> impl Iterator<Item = &Target> {
        [&self.first].into_iter().chain(&self.second)
    }
}
