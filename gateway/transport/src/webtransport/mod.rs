//! WebTransport sessions over HTTP/3, sans meaning: a control stream of lines, streams to write
//! to, and an end with a code and a reason. What is said on them is the business of whoever takes
//! the [`Offer`] (R-DPX-3). Experimental.

mod capsule;
mod control;
pub(crate) mod drive;
pub(crate) mod hub;
mod lines;
pub(crate) mod offer;
mod session;
mod writer;

pub use control::{Control, FrameError};
pub use offer::Offer;
pub use session::{Closed, Session};
pub use writer::{Cut, Writer};
