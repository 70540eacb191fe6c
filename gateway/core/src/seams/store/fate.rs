//! What became of inputs (I2).

use serde::{Deserialize, Serialize};

/// What became of an input (I2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fate", rename_all = "snake_case")]
pub enum Fate {
    /// It asked for turn `turn`.
    Answered {
        /// Turn number, from 1.
        turn: u64,
    },
    /// It was handed to a running turn (steering).
    Injected {
        /// Turn number.
        turn: u64,
    },
    /// A stop, handover or close took effect; `turn` is the one it hit.
    Applied {
        /// Turn number, if one ran.
        turn: Option<u64>,
    },
    /// A later input took its place.
    Superseded {
        /// `.in` seq of the successor.
        by: u64,
    },
    /// It was refused.
    Rejected {
        /// Why, for a person.
        reason: String,
    },
    /// The session expired first.
    Expired,
    /// Opaque to the gateway.
    Consumed,
}
