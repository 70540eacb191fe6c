//! The connections of a run.

use std::io;
use std::rc::Rc;

use super::Way;
use crate::transports::{Link, Site, Tally};

/// Open connections.
#[derive(Debug)]
pub(super) struct Readers(Vec<Link>);

impl Readers {
    /// Connections for `readers` reads of each of `names`, which nothing is read from yet.
    pub(super) async fn open(
        site: &Site,
        way: Way,
        names: &[String],
        readers: u32,
        tally: &Rc<Tally>,
    ) -> io::Result<Self> {
        let count = names.chunks(way.reads as usize).len() * readers as usize;
        let mut links = Vec::with_capacity(count);
        for _ in 0..count {
            let mut link = Link::open(site, way.via, tally).await?;
            link.warm().await?;
            links.push(link);
        }
        Ok(Self(links))
    }

    /// Reads from the start.
    pub(super) async fn follow(&mut self, way: Way, names: &[String]) -> io::Result<()> {
        let each = way.reads as usize;
        let starts = (0..names.len()).step_by(each).cycle();
        for (link, start) in self.0.iter_mut().zip(starts) {
            for (session, name) in names.iter().enumerate().skip(start).take(each) {
                let session = u32::try_from(session).map_err(io::Error::other)?;
                link.follow(session, name, 0).await?;
            }
        }
        Ok(())
    }

    /// How many there are.
    pub(super) fn connections(&self) -> usize {
        self.0.len()
    }

    /// What came so far.
    pub(super) fn received_bytes(&self) -> u64 {
        self.0.iter().map(Link::received_bytes).sum()
    }
}
