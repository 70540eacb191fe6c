//! Percentiles of exact samples; nothing is bucketed.

use std::time::Duration;

use serde::Serialize;

/// In milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Latency {
    /// Median.
    pub p50: f64,
    /// 99 of 100 are not above.
    pub p99: f64,
    /// 999 of 1,000 are not above.
    pub p999: f64,
    /// The worst.
    pub max: f64,
}

impl Latency {
    /// Of `samples`, in any order; zeros if there are none.
    pub fn of(mut samples: Vec<Duration>) -> Self {
        samples.sort_unstable();
        let at = |per_mille: usize| {
            let rank = (samples.len() * per_mille).div_ceil(1000).max(1);
            samples.get(rank - 1).map_or(0.0, |sample| sample.as_secs_f64() * 1000.0)
        };
        Self { p50: at(500), p99: at(990), p999: at(999), max: at(1000) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let samples = (1..=1000).rev().map(Duration::from_millis).collect();
        let latency = Latency::of(samples);
        assert_eq!(latency, Latency { p50: 500.0, p99: 990.0, p999: 999.0, max: 1000.0 });
        assert_eq!(Latency::of(Vec::new()), Latency::default());
    }
}
