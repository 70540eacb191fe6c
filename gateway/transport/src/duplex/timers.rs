//! When a connection does something by itself: one timer for all of it, armed again only when it
//! fires.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tidegate_protocol::limits::{
    DUPLEX_CREDENTIAL_TIMEOUT_MS, DUPLEX_HELLO_TIMEOUT_MS, DUPLEX_SILENCE_MS, PING_INTERVAL_MS,
};
use tokio::time::{Instant, Sleep, sleep_until};

const HELLO: Duration = Duration::from_millis(DUPLEX_HELLO_TIMEOUT_MS);
const CREDENTIAL: Duration = Duration::from_millis(DUPLEX_CREDENTIAL_TIMEOUT_MS);
const PING: Duration = Duration::from_millis(PING_INTERVAL_MS);
const SILENCE: Duration = Duration::from_millis(DUPLEX_SILENCE_MS);

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// No `hello` came in time.
    NoHello,
    /// Time is up for a credential. Said once.
    NoCredential,
    /// The client was silent for too long.
    Silent,
    /// The gateway was silent.
    Ping,
    /// A credential ends.
    Expiry,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Timers {
    timer: Option<Pin<Box<Sleep>>>,
    /// What `timer` was armed for.
    armed: Option<Instant>,
    opened: Instant,
    greeted: bool,
    /// Until when there is to be a credential.
    credential: Option<Instant>,
    heard: Instant,
    spoke: Instant,
    /// When the first credential ends.
    expiry: Option<Instant>,
}

impl Timers {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        let (timer, armed, expiry) = (None, None, None);
        let (greeted, credential) = (false, Some(now + CREDENTIAL));
        Self { timer, armed, opened: now, greeted, credential, heard: now, spoke: now, expiry }
    }

    /// `hello` came.
    pub(super) fn greeted(&mut self) {
        self.greeted = true;
    }

    /// The client showed that it lives.
    pub(super) fn heard(&mut self) {
        self.heard = Instant::now();
    }

    /// Something was sent.
    pub(super) fn spoke(&mut self) {
        self.spoke = Instant::now();
    }

    /// The first credential ends `ms` from now; `None`: none does.
    pub(super) fn expire_in(&mut self, ms: Option<u64>) {
        // Far ahead is as good as never, and can't overflow.
        let day = 86_400_000;
        self.expiry = ms.map(|ms| Instant::now() + Duration::from_millis(ms.min(day)));
    }

    /// What is due now; the task is woken when something becomes due.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Due> {
        loop {
            let (at, due) = self.next();
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
            // Later than it was: it fires in vain once, instead of being moved with each frame.
            if self.armed.is_none_or(|armed| at < armed) {
                timer.as_mut().reset(at);
                self.armed = Some(at);
            }
            ready!(timer.as_mut().poll(cx));
            self.armed = None;
            if at > Instant::now() {
                continue;
            }
            match due {
                Due::Ping => self.spoke(),
                Due::Expiry => self.expiry = None,
                Due::NoCredential => self.credential = None,
                Due::NoHello | Due::Silent => {}
            }
            return Poll::Ready(due);
        }
    }

    fn next(&self) -> (Instant, Due) {
        if !self.greeted {
            return (self.opened + HELLO, Due::NoHello);
        }
        let silent = (self.heard + SILENCE, Due::Silent);
        let ping = (self.spoke + PING, Due::Ping);
        let expiry = self.expiry.map(|at| (at, Due::Expiry));
        let credential = self.credential.map(|at| (at, Due::NoCredential));
        let all = [silent, ping].into_iter().chain(expiry).chain(credential);
        all.min_by_key(|(at, _)| *at).expect("there are two at least")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    async fn next(timers: &mut Timers) -> Due {
        poll_fn(|cx| timers.poll(cx)).await
    }

    #[tokio::test(start_paused = true)]
    async fn hello_has_its_time() {
        let start = Instant::now();
        assert_eq!(next(&mut Timers::new()).await, Due::NoHello);
        assert_eq!(start.elapsed(), HELLO);
    }

    #[tokio::test(start_paused = true)]
    async fn pings_until_the_client_is_given_up() {
        let (start, mut timers) = (Instant::now(), Timers::new());
        timers.greeted();
        timers.expire_in(Some(15_000));
        let mut seen = Vec::new();
        while seen.last().is_none_or(|(due, _)| *due != Due::Silent) {
            seen.push((next(&mut timers).await, start.elapsed().as_secs()));
        }
        let expected = [(Due::Ping, 10), (Due::Expiry, 15), (Due::Ping, 20), (Due::Silent, 30)];
        assert_eq!(seen, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn an_earlier_end_moves_the_timer() {
        let (start, mut timers) = (Instant::now(), Timers::new());
        timers.greeted();
        assert!(poll_fn(|cx| Poll::Ready(timers.poll(cx).is_pending())).await);
        timers.expire_in(Some(3_000));
        assert_eq!(next(&mut timers).await, Due::Expiry);
        assert_eq!(start.elapsed().as_secs(), 3);
        tokio::time::advance(Duration::from_secs(6)).await;
        timers.spoke();
        timers.heard();
        assert_eq!(next(&mut timers).await, Due::Ping);
        assert_eq!(start.elapsed().as_secs(), 19);
    }
}
