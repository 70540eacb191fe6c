//! Is the other side of a connection there? (R-DPX-20, R-DPX-21)

use std::time::Duration;

use tidegate_protocol::limits::PING_INTERVAL_MS;

/// Silence, while something is expected, after which the client asks.
const ASK_AFTER: Duration = Duration::from_secs(1);
/// How long the answer may take.
const ANSWER_WITHIN: Duration = Duration::from_millis(1_500);

/// See the module.
#[derive(Debug)]
pub(crate) struct Pulse {
    heard: Duration,
    asked: Option<Duration>,
    count: i64,
    /// Silence after which the connection is dead, whatever is expected.
    silence: Duration,
}

/// What silence asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    Nothing,
    Ping(i64),
    Dead,
}

impl Pulse {
    pub(crate) fn new(now: Duration) -> Self {
        let silence = Duration::from_millis(PING_INTERVAL_MS) * 5 / 2;
        Self { heard: now, asked: None, count: 0, silence }
    }

    /// The gateway says how long it is silent at most.
    pub(crate) fn adopt(&mut self, ping_ms: u64) {
        self.silence = Duration::from_millis(ping_ms.max(100)).saturating_mul(5) / 2;
    }

    pub(crate) fn handle_heard(&mut self, now: Duration) {
        self.heard = now;
        self.asked = None;
    }

    pub(crate) fn beat(&mut self, expecting: bool, now: Duration) -> Beat {
        if self.next(expecting) > now {
            return Beat::Nothing;
        }
        if self.asked.is_some() || now >= self.heard + self.silence {
            return Beat::Dead;
        }
        self.asked = Some(now);
        self.count += 1;
        Beat::Ping(self.count)
    }

    /// When [`Pulse::beat`] wants to be asked.
    pub(crate) fn next(&self, expecting: bool) -> Duration {
        let dead = self.heard + self.silence;
        match self.asked {
            Some(asked) => dead.min(asked + ANSWER_WITHIN),
            None if expecting => dead.min(self.heard + ASK_AFTER),
            None => dead,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn asks_after_a_second_and_waits_one_and_a_half() {
        let mut pulse = Pulse::new(ms(0));
        assert_eq!(pulse.beat(true, ms(999)), Beat::Nothing);
        assert_eq!(pulse.beat(false, ms(1_000)), Beat::Nothing);
        assert_eq!(pulse.beat(true, ms(1_000)), Beat::Ping(1));
        assert_eq!(pulse.beat(true, ms(2_499)), Beat::Nothing);
        pulse.handle_heard(ms(2_499));
        assert_eq!(pulse.beat(true, ms(3_498)), Beat::Nothing);
        assert_eq!(pulse.beat(true, ms(3_499)), Beat::Ping(2));
        assert_eq!(pulse.beat(true, ms(4_999)), Beat::Dead);
    }

    #[test]
    fn silence_ends_it_also_where_nothing_is_expected() {
        let mut pulse = Pulse::new(ms(0));
        pulse.adopt(1_000);
        assert_eq!(pulse.next(false), ms(2_500));
        assert_eq!(pulse.beat(false, ms(2_500)), Beat::Dead);
    }
}
