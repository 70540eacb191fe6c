//! The floor: a bare push server on one event loop. It speaks the gateway's routes, keeps
//! nothing, checks nothing, and encodes a record once for all readers. What it costs is what HTTP
//! and the kernel cost; the rest of a figure is the gateway's own.

mod peer;
mod server;

pub use server::serve;
