//! Tokens of sessions, as the duplex machine knows them. Getting one is the driver's business.

use std::collections::BTreeMap;
use std::time::Duration;

use super::action::Action;
use crate::link::Backoff;

/// Tries to get a token before its session's subscriptions fail.
const TRIES: u32 = 5;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Credentials {
    all: BTreeMap<String, Token>,
}

#[derive(Debug, Default)]
struct Token {
    held: Option<String>,
    /// What was refused, or ends soon.
    stale: Option<String>,
    is_asked: bool,
    failures: u32,
    backoff: Backoff,
    retry_at: Duration,
}

impl Credentials {
    /// What is good, as far as is known.
    pub(crate) fn held(&self, session: &str) -> Option<&str> {
        self.all.get(session)?.held.as_deref()
    }

    /// What was good is not: another one is got when it is needed.
    pub(crate) fn reject(&mut self, session: &str) {
        self.all.entry(session.to_owned()).or_default().leave_held();
    }

    /// Another one is needed, unless it is on its way already.
    pub(crate) fn refresh(&mut self, session: &str, now: Duration) -> Option<Action> {
        let token = self.all.entry(session.to_owned()).or_default();
        if token.is_asked || token.retry_at > now {
            return None;
        }
        token.is_asked = true;
        token.leave_held();
        Some(Action::Token { session: session.to_owned(), stale: token.stale.clone() })
    }

    pub(crate) fn handle_token(&mut self, session: &str, token: String) {
        let held = Token { held: Some(token), ..Token::default() };
        self.all.insert(session.to_owned(), held);
    }

    /// There is none for now; true if that was so too often.
    pub(crate) fn handle_failed(&mut self, session: &str, entropy: u64, now: Duration) -> bool {
        let token = self.all.entry(session.to_owned()).or_default();
        token.is_asked = false;
        token.failures += 1;
        token.retry_at = now + token.backoff.next_full(entropy);
        token.failures.is_multiple_of(TRIES)
    }

    /// When to try again.
    pub(crate) fn times(&self) -> impl Iterator<Item = Duration> {
        self.all.values().map(|token| token.retry_at)
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Forgets the sessions that are not `used`.
    pub(crate) fn retain(&mut self, used: impl Fn(&str) -> bool) {
        self.all.retain(|session, token| token.is_asked || used(session));
    }
}

impl Token {
    fn leave_held(&mut self) {
        self.stale = self.held.take().or_else(|| self.stale.take());
    }
}
