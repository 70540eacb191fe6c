//! When each record is due. It never waits for the target: an open loop.

use std::time::{Duration, Instant};

/// Every session sends at the same rate, each at its own phase. The phases are spread by a
/// fixed pseudo-random sequence: neighbours collide as independent sessions do, and every run
/// has the same collisions.
#[derive(Debug)]
pub(crate) struct Schedule {
    start: Instant,
    period: Duration,
    rounds: u32,
    phases: Vec<Duration>,
    /// Sessions by phase.
    order: Vec<u32>,
    round: u32,
    place: usize,
}

impl Schedule {
    /// `rounds` records for each of `sessions`, `rate` a second each.
    pub(crate) fn new(start: Instant, sessions: u32, rate: u32, rounds: u32) -> Self {
        let period = Duration::from_secs(1) / rate;
        let phases: Vec<_> =
            (0..sessions).map(|session| period.mul_f64(fraction(session))).collect();
        let mut order: Vec<_> = (0..sessions).collect();
        order.sort_by_key(|session| phases[*session as usize]);
        Self { start, period, rounds, phases, order, round: 0, place: 0 }
    }

    /// The next record's moment and session.
    pub(crate) fn next(&self) -> Option<(Instant, u32)> {
        let session = *self.order.get(self.place)?;
        (self.round < self.rounds).then(|| (self.due(session, self.round), session))
    }

    /// That one was sent, or waits its turn.
    pub(crate) fn advance(&mut self) {
        self.place += 1;
        if self.place == self.order.len() {
            self.place = 0;
            self.round += 1;
        }
    }

    /// The moment of a record.
    pub(crate) fn due(&self, session: u32, index: u32) -> Instant {
        self.start + self.phases[session as usize] + self.period * index
    }
}

/// In [0, 1): the top bits of splitmix64.
pub(super) fn fraction(number: u32) -> f64 {
    let mut z = u64::from(number).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let top = u32::try_from((z ^ (z >> 31)) >> 32).unwrap_or(0);
    f64::from(top) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_never_go_back_and_every_session_gets_its_records() {
        let start = Instant::now();
        let mut schedule = Schedule::new(start, 7, 20, 3);
        let (mut last, mut counts) = (start, [0; 7]);
        while let Some((due, session)) = schedule.next() {
            assert!(due >= last);
            assert_eq!(due, schedule.due(session, counts[session as usize]));
            last = due;
            counts[session as usize] += 1;
            schedule.advance();
        }
        assert_eq!(counts, [3; 7]);
    }
}
