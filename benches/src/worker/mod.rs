//! The worker that is measured: one agent that says as many words as it is asked for, in the
//! demo's own words, so that both put the same bytes on the wire.

mod runs;
mod serve;
mod turns;
mod words;

pub use serve::serve;
pub use words::{count, request, word};
