//! One call to one server.

use std::time::Instant as StdInstant;

use redis::aio::ConnectionLike;
use redis::{RedisError, Value};
use tokio::time::Instant;

use super::breaker::Pass;
use super::call::{Call, Reply, Served};
use super::dial::ask;
use super::error::CallError;
use super::live::{COMMAND_TIMEOUT, Live};
use super::node::Shared;
use super::url::Address;

/// Why a server did not serve a call.
#[derive(Debug)]
pub(super) enum Failure {
    /// The slot is elsewhere from now on.
    Moved(Address),
    /// This call is to be asked elsewhere.
    Ask(Address),
    /// Nothing was done; a little later it may be.
    Later(String),
    /// There is no connection.
    Down(String),
    /// It won't help to try again, or may do harm.
    Final(CallError),
}

/// What the breaker let through; tells it what came of it.
struct Admission<'a> {
    shared: &'a Shared,
    pass: Pass,
    told: bool,
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        if !self.told {
            self.shared.breaker.lock().gave_up(self.pass);
        }
    }
}

impl Admission<'_> {
    fn tell(mut self, answered: bool) {
        self.told = true;
        let mut breaker = self.shared.breaker.lock();
        if answered {
            breaker.succeeded();
        } else {
            breaker.failed(self.pass, StdInstant::now());
        }
    }
}

impl Shared {
    fn admit(&self) -> Result<Admission<'_>, Failure> {
        let pass = self.breaker.lock().admit(StdInstant::now());
        if pass == Pass::Refused {
            let text = "the server does not answer; not asked again yet".to_owned();
            return Err(Failure::Final(CallError::NotDone(text)));
        }
        Ok(Admission { shared: self, pass, told: false })
    }

    /// A call came to its end without a connection.
    pub(super) fn count_down(&self) {
        let mut breaker = self.breaker.lock();
        let pass = breaker.admit(StdInstant::now());
        breaker.failed(pass, StdInstant::now());
    }

    /// Sends a call, once there is room and a connection, and waits for the reply.
    pub(super) async fn call(
        &self,
        call: &Call,
        asking: bool,
        connected_by: Instant,
        room_by: Instant,
    ) -> Result<Reply, Failure> {
        let admission = self.admit()?;
        let Some(_room) = self.gate.enter(call.bytes(), room_by).await else {
            let text = "too much is in flight to the server".to_owned();
            return Err(Failure::Final(CallError::NotDone(text)));
        };
        let live = self.up(connected_by).await.map_err(|why| Failure::Down(why.to_string()))?;
        if call.reign().is_some_and(|reign| !live.is_under(reign)) {
            return Err(Failure::Final(CallError::TakenOver));
        }
        let outcome = send(&live, call, asking).await;
        admission.tell(outcome.is_some());
        match outcome {
            Some(Ok(value)) => Ok(Reply { value, served: served(&live, call) }),
            Some(Err(error)) => Err(refused(&live, &error)),
            None => {
                let text = format!("{} did not answer", live.address);
                Err(Failure::Final(CallError::Unknown(text)))
            }
        }
    }
}

fn served(live: &Live, call: &Call) -> Served {
    Served { reign: live.reign(), slot: call.slot() }
}

/// The server's answer; `None` if there is none.
async fn send(live: &Live, call: &Call, asking: bool) -> Option<Result<Value, RedisError>> {
    let answer = once(live, call, asking).await?;
    let (Some(script), Err(error)) = (call.script(), &answer) else { return Some(answer) };
    if error.code() != Some("NOSCRIPT") {
        return Some(answer);
    }
    // Somebody flushed the scripts. What was not found was not run.
    match ask(&live.connection, &script.load(), COMMAND_TIMEOUT).await {
        Ok(_) => once(live, call, asking).await,
        Err(error) => Some(Err(error)),
    }
}

async fn once(live: &Live, call: &Call, asking: bool) -> Option<Result<Value, RedisError>> {
    let cmd = call.cmd().clone();
    if !asking {
        return live.gather.ask(cmd).await;
    }
    let mut pipe = redis::pipe();
    pipe.cmd("ASKING").add_command(cmd);
    let mut connection = live.connection.clone();
    let replies = connection.req_packed_commands(&pipe, 1, 1);
    let mut replies = tokio::time::timeout(COMMAND_TIMEOUT, replies).await.ok()?.ok()?;
    Some(replies.pop()?.extract_error())
}

fn refused(live: &Live, error: &RedisError) -> Failure {
    let code = error.code().unwrap_or("ERR");
    let text = error.detail().unwrap_or_default();
    match code {
        "MOVED" | "ASK" => match redirected(error, live) {
            Some(address) if code == "MOVED" => Failure::Moved(address),
            Some(address) => Failure::Ask(address),
            None => Failure::Later(error.to_string()),
        },
        "READONLY" => {
            // It was demoted: the primary is to be looked for again.
            live.ended.raise();
            Failure::Later(format!("{} is a replica by now", live.address))
        }
        "TRYAGAIN" | "CLUSTERDOWN" | "LOADING" | "MASTERDOWN" => {
            Failure::Later(format!("{code} {text}"))
        }
        _ => Failure::Final(CallError::Refused { code: code.to_owned(), text: text.to_owned() }),
    }
}

fn redirected(error: &RedisError, live: &Live) -> Option<Address> {
    let (address, _) = error.redirect_node()?;
    let (host, port) = address.rsplit_once(':')?;
    let host = if host.is_empty() { &live.address.host } else { host };
    Some(Address { host: host.to_owned(), port: port.parse().ok()? })
}
