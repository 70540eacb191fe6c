//! When to stop asking a server that does not answer. Pure: time is passed in.

use std::time::{Duration, Instant};

/// Opens after failures in a row; then lets one call through now and then, to find out.
#[derive(Debug)]
pub(super) struct Breaker {
    failures: u32,
    until: Option<Instant>,
    probing: bool,
    max_failures: u32,
    rest: Duration,
}

/// What a call may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// Go.
    Closed,
    /// Go: the one that finds out whether the server is back.
    Probe,
    /// Fail at once.
    Refused,
}

impl Breaker {
    pub(super) fn new(max_failures: u32, rest: Duration) -> Self {
        Self { failures: 0, until: None, probing: false, max_failures, rest }
    }

    pub(super) fn admit(&mut self, now: Instant) -> Pass {
        match self.until {
            None => Pass::Closed,
            Some(until) if now < until || self.probing => Pass::Refused,
            Some(_) => {
                self.probing = true;
                Pass::Probe
            }
        }
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
        self.until = None;
        self.probing = false;
    }

    pub(super) fn failed(&mut self, pass: Pass, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        if pass == Pass::Probe {
            self.probing = false;
        }
        if pass == Pass::Probe || self.failures >= self.max_failures {
            self.until = Some(now + self.rest);
        }
    }

    /// A call was given up by its caller: it tells nothing.
    pub(super) fn gave_up(&mut self, pass: Pass) {
        if pass == Pass::Probe {
            self.probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_millis(10);

    #[test]
    fn opens_probes_and_closes() {
        let start = Instant::now();
        let mut breaker = Breaker::new(2, REST);
        breaker.failed(Pass::Closed, start);
        assert_eq!(breaker.admit(start), Pass::Closed);
        breaker.failed(Pass::Closed, start);
        assert_eq!(breaker.admit(start), Pass::Refused);
        let later = start + REST;
        assert_eq!(breaker.admit(later), Pass::Probe);
        assert_eq!(breaker.admit(later), Pass::Refused, "one probe at a time");
        breaker.failed(Pass::Probe, later);
        assert_eq!(breaker.admit(later), Pass::Refused);
        assert_eq!(breaker.admit(later + REST), Pass::Probe);
        breaker.gave_up(Pass::Probe);
        assert_eq!(breaker.admit(later + REST), Pass::Probe);
        breaker.succeeded();
        assert_eq!(breaker.admit(later), Pass::Closed);
    }

    #[test]
    fn a_success_in_between_starts_the_count_again() {
        let now = Instant::now();
        let mut breaker = Breaker::new(2, REST);
        breaker.failed(Pass::Closed, now);
        breaker.succeeded();
        breaker.failed(Pass::Closed, now);
        assert_eq!(breaker.admit(now), Pass::Closed);
    }
}
