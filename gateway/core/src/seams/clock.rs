//! Time and randomness are injected, so that tests and simulations decide both.

/// Wall time.
pub trait Clock: Send + Sync + std::fmt::Debug + 'static {
    /// Unix milliseconds.
    fn unix_millis(&self) -> u64;
}

/// Randomness for ids and jitter.
pub trait Entropy: Send + Sync + std::fmt::Debug + 'static {
    /// 128 random bits.
    fn next_u128(&self) -> u128;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place behind the seam")]
    fn unix_millis(&self) -> u64 {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
    }
}
