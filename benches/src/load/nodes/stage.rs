//! A Redis and two gateways on it.

use std::io;
use std::path::Path;

use crate::load::Site;
use crate::target::{Backend, Kind, Server, Store, Target};

/// Running processes.
#[derive(Debug)]
pub struct Stage {
    /// Redis.
    pub redis: Server,
    /// Appends go here.
    pub first: Target,
    /// The other gateway.
    pub second: Target,
}

impl Stage {
    /// Starts them on the target's core.
    pub fn start(binary: &Path) -> io::Result<Self> {
        let redis = Server::start()?;
        let store = Store::Url(redis.url());
        let kind = Kind::Gateway { binary: binary.to_owned(), store };
        let gateway = || Target::start(&kind, &Backend::Demo);
        Ok(Self { first: gateway()?, second: gateway()?, redis })
    }

    /// Readers are at the gateway that is appended to, or at the other one.
    pub fn site(&self, is_other: bool) -> Site {
        let reads = if is_other { &self.second } else { &self.first };
        Site {
            writes: self.first.address.clone(),
            reads: reads.address.clone(),
            pids: vec![self.first.pid(), self.second.pid(), self.redis.pid()],
        }
    }
}
