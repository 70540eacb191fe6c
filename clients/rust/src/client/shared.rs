//! What the sessions of a client share.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::error::Error;
use super::http::{Answer, Ask, Http, Paths};
use super::hub::{Dialer, Hub};
use super::mode::Mode;
use super::order::Orders;
use super::tokens::Tokens;
use crate::link::Backoff;

/// Bytes that may wait to be appended, over all sessions.
pub(crate) const OUTBOX_MAX_BYTES: usize = 8 * 1024 * 1024;

/// How often something is asked for, where that may help.
const TRIES: u32 = 8;

/// See the module.
pub(crate) struct Shared {
    pub(crate) http: Http,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) mode: Mode,
    pub(crate) window: u64,
    /// One permit for each byte that may wait.
    pub(crate) outbox: Semaphore,
    pub(crate) orders: Mutex<Orders>,
    pub(crate) dialer: Arc<Dialer>,
    pub(crate) hub: OnceLock<Hub>,
}

impl Shared {
    /// The duplex binding, which is started when it is first wanted.
    pub(crate) fn hub(&self) -> &Hub {
        self.hub.get_or_init(|| Hub::start(Arc::clone(&self.dialer), Arc::clone(&self.tokens)))
    }

    /// Does the duplex binding work now?
    pub(crate) fn has_duplex(&self) -> bool {
        self.hub.get().is_some_and(Hub::is_up)
    }

    /// An answer to `ask` with the session's token; with a fresh one if that is refused.
    pub(crate) async fn ask(&self, session: &str, ask: &Ask) -> Result<Answer, Error> {
        let token = self.tokens.get(session).await?;
        match self.http.answer(ask, &token, self.mode).await {
            Err(error) if error.wants_token() => {
                let token = self.tokens.fresh(session, &token, error).await?;
                self.http.answer(ask, &token, self.mode).await
            }
            answer => answer,
        }
    }

    /// The same, again where that may help: for what does no harm when it is done twice.
    pub(crate) async fn ask_again(&self, session: &str, ask: &Ask) -> Result<Answer, Error> {
        let mut backoff = Backoff::default();
        for _ in 1..TRIES {
            match self.ask(session, ask).await {
                Err(error) if error.retry => {
                    sleep(backoff.next_full(getrandom::u64().unwrap_or_default())).await;
                }
                outcome => return outcome,
            }
        }
        self.ask(session, ask).await
    }

    /// Seq of the newest record of `.out` (R-PG-2), asked for as `mode` says.
    pub(crate) async fn newest(
        &self,
        paths: &Paths,
        token: &str,
        mode: Mode,
    ) -> Result<Option<u64>, Error> {
        let answer = self.http.answer(&Ask::head(paths.out()), token, mode).await?;
        newest(&answer)
    }
}

/// What a `HEAD` of a stream says.
pub(crate) fn newest(answer: &Answer) -> Result<Option<u64>, Error> {
    let index = answer.headers.get("x-last-chunk-index");
    let index = index.and_then(|index| index.to_str().ok()?.parse::<i64>().ok());
    let index = index.ok_or_else(|| Error::invalid("no x-last-chunk-index"))?;
    Ok(u64::try_from(index).ok())
}
