//! What the simulations share.

pub(crate) mod disk;
pub(crate) mod inputs;
pub(crate) mod rng;
pub(crate) mod seeds;
