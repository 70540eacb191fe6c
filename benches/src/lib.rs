//! The load generator and peer comparisons.
