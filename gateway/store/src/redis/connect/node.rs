//! One primary: its connection, kept up, and the way through to it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;
use tidegate_protocol::limits::{REDIS_BREAKER_FAILURES, REDIS_BREAKER_REST_MS};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::backoff::Backoff;
use super::barrier::Barrier;
use super::breaker::Breaker;
use super::call::Script;
use super::dial::Dialer;
use super::error::ConnectError;
use super::gate::Gate;
use super::live::{Live, Wanted};
use super::reign::Reigns;
use super::sentinel;
use super::url::{Address, Wait};

/// Where a primary is to be looked for.
#[derive(Clone, Debug)]
pub(super) enum Finder {
    Fixed(Address),
    Sentinel { dialer: Dialer, sentinels: Vec<Address>, service: String },
}

/// How to connect to any primary of the store.
#[derive(Clone, Debug)]
pub(super) struct Maker {
    pub(super) dialer: Dialer,
    pub(super) wanted: Wanted,
    pub(super) scripts: Arc<[Arc<Script>]>,
    pub(super) wait: Option<Wait>,
    pub(super) reigns: Arc<Reigns>,
    /// Raised when a connection is lost or can't be had: the topology may have changed.
    pub(super) lost: Arc<Notify>,
    /// Counts connections that came up, and topologies: who keeps something by server looks again.
    pub(super) changes: Arc<watch::Sender<u64>>,
}

/// State of the connection.
#[derive(Clone, Debug)]
pub(super) enum Link {
    Up(Arc<Live>),
    Down(Arc<str>),
}

/// One primary.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) shared: Arc<Shared>,
    /// Dropped with the node: ends what runs in the background.
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
pub(super) struct Shared {
    finder: Finder,
    pub(super) maker: Maker,
    pub(super) link: watch::Sender<Link>,
    pub(super) gate: Gate,
    pub(super) breaker: Mutex<Breaker>,
    pub(super) barrier: Barrier,
}

/// How often an idle connection is looked at.
const LOOK: Duration = Duration::from_secs(1);

impl Finder {
    pub(super) async fn connect(&self, maker: &Maker) -> Result<Live, ConnectError> {
        let (address, epoch) = match self {
            Self::Fixed(address) => (address.clone(), None),
            Self::Sentinel { dialer, sentinels, service } => {
                let (address, epoch) = sentinel::primary(dialer, sentinels, service).await?;
                (address, Some(epoch))
            }
        };
        let live = Live::open(&maker.dialer, &address, maker.wanted, &maker.scripts).await?;
        let number = maker.reigns.number(&live, epoch, maker.wanted.cluster).await;
        let number = number.map_err(|error| maker.dialer.explain(&address, &error))?;
        live.number.store(number, Ordering::Release);
        Ok(live)
    }
}

impl Node {
    /// Keeps a connection to the primary up from now on.
    pub(super) fn start(finder: Finder, maker: Maker, first: Option<Live>) -> Arc<Self> {
        let rest = Duration::from_millis(REDIS_BREAKER_REST_MS);
        let first = first.map(Arc::new);
        let link = match &first {
            Some(live) => Link::Up(Arc::clone(live)),
            None => Link::Down("not connected yet".into()),
        };
        let shared = Arc::new(Shared {
            finder,
            maker,
            link: watch::Sender::new(link),
            gate: Gate::new(),
            breaker: Mutex::new(Breaker::new(REDIS_BREAKER_FAILURES, rest)),
            barrier: Barrier::new(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::clone(&shared).keep(first));
        if let Some(wait) = shared.maker.wait {
            tasks.spawn(Arc::clone(&shared).keep_waiting(wait));
        }
        Arc::new(Self { shared, _tasks: tasks })
    }

    /// The connection, if it is up.
    pub(super) fn live(&self) -> Option<Arc<Live>> {
        match &*self.shared.link.borrow() {
            Link::Up(live) => Some(Arc::clone(live)),
            Link::Down(_) => None,
        }
    }
}

impl Shared {
    async fn keep(self: Arc<Self>, mut first: Option<Arc<Live>>) {
        let mut backoff = Backoff::default();
        loop {
            let why = match self.next(first.take()).await {
                Ok(live) => {
                    self.breaker.lock().succeeded();
                    backoff.reset();
                    self.link.send_replace(Link::Up(Arc::clone(&live)));
                    self.maker.changes.send_modify(|count| *count += 1);
                    self.watch_over(&live).await
                }
                Err(error) => error.to_string(),
            };
            tracing::debug!(finder = ?self.finder, %why, "no connection to the primary");
            self.link.send_replace(Link::Down(why.into()));
            self.maker.lost.notify_one();
            tokio::time::sleep(backoff.next()).await;
        }
    }

    /// Returns why the connection is over.
    async fn watch_over(&self, live: &Live) -> String {
        loop {
            let looking = async {
                tokio::time::sleep(LOOK).await;
                self.look(live).await
            };
            tokio::select! {
                () = live.ended.wait() => return "the connection was cut".to_owned(),
                looked = looking => if let Err(why) = looked {
                    live.ended.raise();
                    return why;
                }
            }
        }
    }

    /// Whether the connection still leads to the primary.
    async fn look(&self, live: &Live) -> Result<(), String> {
        live.still_is().await.map_err(|error| error.to_string())?;
        if self.maker.wanted.cluster {
            return self.maker.reigns.rise(live).await.map_err(|error| error.to_string());
        }
        // After a failover, the old primary takes writes for some ten seconds before the Sentinels
        // make it a replica: what is written there then is lost.
        if let Finder::Sentinel { dialer, sentinels, service } = &self.finder
            && let Ok((address, _)) = sentinel::primary(dialer, sentinels, service).await
            && address != live.address
        {
            return Err(format!("the Sentinels have made {address} the primary"));
        }
        Ok(())
    }

    async fn next(&self, first: Option<Arc<Live>>) -> Result<Arc<Live>, ConnectError> {
        match first {
            Some(live) => Ok(live),
            None => self.finder.connect(&self.maker).await.map(Arc::new),
        }
    }

    /// The connection as soon as it is up; else why it is not.
    pub(super) async fn up(&self, deadline: Instant) -> Result<Arc<Live>, Arc<str>> {
        let usable = |link: &Link| matches!(link, Link::Up(live) if !live.ended.is_raised());
        if let Link::Up(live) = &*self.link.borrow()
            && !live.ended.is_raised()
        {
            return Ok(Arc::clone(live));
        }
        let mut link = self.link.subscribe();
        let link = match tokio::time::timeout_at(deadline, link.wait_for(usable)).await {
            Ok(Ok(link)) => link.clone(),
            _ => self.link.borrow().clone(),
        };
        match link {
            Link::Up(live) if !live.ended.is_raised() => Ok(live),
            Link::Up(_) => Err("the connection was cut".into()),
            Link::Down(why) => Err(why),
        }
    }
}
