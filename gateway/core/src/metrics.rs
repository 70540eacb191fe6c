//! Counters, without ids in labels. The server renders them (`/metrics`).

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident, $bump:ident;)*) => {
        /// Everything that the engine counts.
        #[derive(Debug, Default)]
        pub struct Metrics { $($name: AtomicU64,)* }

        impl Metrics {
            $($(#[$doc])* pub fn $bump(&self) {
                self.$name.fetch_add(1, Ordering::Relaxed);
            })*

            /// Name and value of every counter.
            pub fn counters(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.load(Ordering::Relaxed)),)*]
            }
        }
    };
}

counters! {
    /// A client's append became durable.
    appends, appended;
    /// A turn was started or started again.
    turns_started, turn_started;
    /// A turn ended in its boundary.
    turns_completed, turn_completed;
    /// A turn was stopped.
    turns_stopped, turn_stopped;
    /// A turn ended in an `error` chunk.
    turns_failed, turn_failed;
    /// A turn was run again after a failure that nobody saw.
    turns_retried, turn_retried;
    /// A turn was cut by a crash and closed by the gateway.
    turns_interrupted, turn_interrupted;
}
