//! `/console`: a page that is a client like any other, embedded in the binary.

mod assets;

pub use assets::{Asset, find};
