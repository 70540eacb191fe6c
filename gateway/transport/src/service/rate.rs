//! The rate limit: a token bucket for each credential that was found valid.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use http::{HeaderMap, HeaderName, HeaderValue};
use parking_lot::Mutex;
use tidegate_core::access::fingerprint;
use tidegate_core::error::Result;
use tidegate_protocol::{ApiError, ErrorCode};

use crate::config::RateLimit;

const SHARDS: usize = 16;
/// Buckets of one shard; the ones that are full say nothing and go first.
const SHARD_BUCKETS_MAX: usize = 8_192;

/// Every bucket.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    /// Refill per millisecond; 0 is no limit.
    refill: f64,
    burst: f64,
    shards: [Mutex<HashMap<u64, Bucket>>; SHARDS],
    hasher: RandomState,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    /// Unix ms.
    at: u64,
}

/// What a caller has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowance {
    admitted: bool,
    limit: u64,
    remaining: u64,
    /// Unix ms: when the next request is admitted, or when the bucket is full again.
    reset: u64,
}

impl RateLimiter {
    pub(super) fn new(config: RateLimit) -> Self {
        Self {
            refill: f64::from(config.requests_per_second) / 1_000.0,
            burst: f64::from(config.burst.max(1)),
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
        }
    }

    /// Takes a token of `credential` at `now` (Unix ms); `None` where there is no limit.
    pub(crate) fn take(&self, credential: &str, now: u64) -> Option<Allowance> {
        if self.refill == 0.0 { None } else { self.take_of(&fingerprint(credential), now) }
    }

    /// The same where only the fingerprint of the credential is known.
    pub(crate) fn take_of(&self, fingerprint: &str, now: u64) -> Option<Allowance> {
        if self.refill == 0.0 {
            return None;
        }
        let hash = self.hasher.hash_one(fingerprint);
        let mut shard = self.shards[hash as usize % SHARDS].lock();
        if shard.len() >= SHARD_BUCKETS_MAX && !shard.contains_key(&hash) {
            shard.retain(|_, bucket| self.level(*bucket, now) < self.burst);
            if shard.len() >= SHARD_BUCKETS_MAX {
                shard.clear();
            }
        }
        let bucket = shard.entry(hash).or_insert(Bucket { tokens: self.burst, at: now });
        let mut tokens = self.level(*bucket, now);
        let admitted = tokens >= 1.0;
        if admitted {
            tokens -= 1.0;
        }
        *bucket = Bucket { tokens, at: now };
        drop(shard);
        let missing = if admitted { self.burst - tokens } else { 1.0 - tokens };
        let wait = (missing / self.refill).ceil();
        Some(Allowance {
            admitted,
            limit: self.burst as u64,
            remaining: tokens as u64,
            reset: now + wait as u64,
        })
    }

    fn level(&self, bucket: Bucket, now: u64) -> f64 {
        let passed = now.saturating_sub(bucket.at) as f64;
        (bucket.tokens + passed * self.refill).min(self.burst)
    }
}

/// Refuses what the bucket has no token for.
pub(crate) fn admit(allowance: Option<&Allowance>) -> Result<()> {
    match allowance {
        Some(allowance) if !allowance.admitted => Err(ApiError::new(
            ErrorCode::RateLimited,
            "too many requests with this credential; x-ratelimit-reset says when to come back",
        )),
        _ => Ok(()),
    }
}

impl Allowance {
    /// Puts it into headers, in the units that clients read (trigger-client §0.6).
    pub(super) fn show(&self, headers: &mut HeaderMap) {
        let pairs = [
            ("x-ratelimit-limit", self.limit),
            ("x-ratelimit-remaining", self.remaining),
            ("x-ratelimit-reset", self.reset),
        ];
        for (name, value) in pairs {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_refills() {
        let limiter = RateLimiter::new(RateLimit { requests_per_second: 2, burst: 2 });
        let take = |now| limiter.take("a", now).expect("limited");
        assert_eq!(take(1_000), Allowance { admitted: true, limit: 2, remaining: 1, reset: 1_500 });
        assert_eq!(take(1_000).remaining, 0);
        let refused = take(1_100);
        assert!(admit(Some(&refused)).is_err());
        assert_eq!(refused.reset, 1_500);
        assert!(take(1_500).admitted);
        assert!(limiter.take("b", 1_500).expect("limited").admitted);
    }

    #[test]
    fn zero_is_no_limit() {
        assert_eq!(RateLimiter::new(RateLimit::default()).take("a", 0), None);
    }

    #[test]
    fn buckets_are_bounded() {
        let limiter = RateLimiter::new(RateLimit { requests_per_second: 1, burst: 1 });
        for n in 0..SHARDS * SHARD_BUCKETS_MAX * 2 {
            limiter.take(&n.to_string(), 0);
        }
        let held: usize = limiter.shards.iter().map(|shard| shard.lock().len()).sum();
        assert!(held <= SHARDS * SHARD_BUCKETS_MAX);
    }
}
