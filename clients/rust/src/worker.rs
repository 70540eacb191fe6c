//! A worker: serves agents over one link, for as long as it runs.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use tidegate_protocol::link::{TurnFrame, codes};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::agent::Agent;
use crate::error::WorkerError;
use crate::link::{Address, Backoff, DialError, Ended, Machine, Shared, dial, serve};
use crate::running::run;
use crate::turn::Turn;

/// Turns at once when nothing else is said.
const CAPACITY: usize = 16;

/// Connects to a gateway and serves [`Agent`]s.
#[derive(Debug)]
pub struct Worker {
    url: String,
    key: String,
    agents: Vec<Agent>,
    capacity: usize,
    version: String,
}

impl Worker {
    /// A worker for the gateway at `url` (`http`, `https`, `ws` or `wss`), with a secret key of
    /// its environment.
    pub fn connect(url: &str, key: &str) -> Self {
        let (url, key, version) = (url.to_owned(), key.to_owned(), "1".to_owned());
        Self { url, key, agents: Vec::new(), capacity: CAPACITY, version }
    }

    /// Serves `agent`, too.
    pub fn agent(mut self, agent: Agent) -> Self {
        self.agents.push(agent);
        self
    }

    /// How many turns may run at once; 16 if nothing is said.
    pub fn capacity(mut self, turns: usize) -> Self {
        self.capacity = turns;
        self
    }

    /// Version of the agents; `"1"` if nothing is said. New turns go to the version that was first
    /// registered last.
    pub fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// Serves until SIGTERM or Ctrl-C, then finishes the turns that run. A second signal does not
    /// wait for them. Errors: [`WorkerError`]; what may pass is tried again for ever.
    pub async fn run(self) -> Result<(), WorkerError> {
        tokio::select! {
            ended = self.run_until(signals(1)) => ended,
            () = signals(2) => Err(WorkerError::Interrupted),
        }
    }

    /// Serves until `drain` is ready, then finishes the turns that run. Errors as
    /// [`Worker::run`].
    pub async fn run_until(self, drain: impl Future<Output = ()>) -> Result<(), WorkerError> {
        let name = format!("w_{:016x}", getrandom::u64()?);
        let address = Address::new(&self.url, &self.key, &name)?;
        let specs = self.agents.iter().map(|agent| agent.spec(&self.version)).collect();
        let shared = Arc::new(Shared::new(Machine::new(name, self.capacity, specs)));
        let named = |agent: Agent| (agent.id().to_owned(), Arc::new(agent));
        let agents = self.agents.into_iter().map(named).collect();
        let turns = Turns { shared: Arc::clone(&shared), agents, tasks: JoinSet::new() };
        let mut serving = Box::pin(turns.serve(&address));
        tokio::select! {
            ended = &mut serving => return ended,
            () = drain => {}
        }
        shared.machine.lock().handle_drain();
        serving.await
    }
}

/// The turns that run. Dropping it drops them.
struct Turns {
    shared: Arc<Shared>,
    agents: HashMap<String, Arc<Agent>>,
    tasks: JoinSet<()>,
}

impl Turns {
    /// Until nothing is left, hooks included: they run on after an answer is stored.
    async fn serve(mut self, address: &Address) -> Result<(), WorkerError> {
        self.link(address).await?;
        while self.tasks.join_next().await.is_some() {}
        Ok(())
    }

    /// Over one connection after another.
    async fn link(&mut self, address: &Address) -> Result<(), WorkerError> {
        let mut backoff = Backoff::default();
        loop {
            if self.shared.machine.lock().is_drained() {
                return Ok(());
            }
            sleep(backoff.next(getrandom::u64()?)).await;
            let socket = match dial(address).await {
                Ok(socket) => socket,
                Err(DialError::Final(error)) => return Err(error),
                Err(DialError::Passing(reason)) => {
                    warn!(reason, "no link to the gateway; trying again");
                    continue;
                }
            };
            let shared = Arc::clone(&self.shared);
            let ended = serve(socket, &shared, |turn| self.begin(turn)).await;
            if self.is_last(&ended)? {
                return Ok(());
            }
            info!(code = ended.code, reason = ended.reason, "the link ended; connecting again");
            if ended.was_good {
                backoff.reset();
            }
            if let Some(wait) = ended.reconnect {
                sleep(wait).await;
            }
        }
    }

    /// Is there no point in another connection?
    fn is_last(&self, ended: &Ended) -> Result<bool, WorkerError> {
        if let Some(code) = ended.code.filter(|code| codes::is_final(*code)) {
            return Err(WorkerError::Refused { code, message: ended.reason.clone() });
        }
        Ok(ended.is_done() && self.shared.machine.lock().is_drained())
    }

    fn begin(&mut self, turn: Box<TurnFrame>) {
        while self.tasks.try_join_next().is_some() {}
        let shared = Arc::clone(&self.shared);
        match self.agents.get(&turn.agent) {
            Some(agent) => {
                self.tasks.spawn(run(shared, Arc::clone(agent), Turn::new(turn)));
            }
            None => {
                let text = format!("this worker has no agent {:?}", turn.agent);
                shared.machine.lock().handle_done(&turn.id, Some(text));
            }
        }
    }
}

/// Ends at the `count`th signal that asks the process to end.
async fn signals(count: usize) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            for _ in 0..count {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = tokio::signal::ctrl_c() => {}
                }
            }
            return;
        }
    }
    for _ in 0..count {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
