//! The driver of the duplex binding: one task for all sessions of a client, and one for each of
//! its connections.

mod dial;
mod drive;
mod handle;
mod socket;

pub(crate) use dial::Dialer;
pub(crate) use handle::Hub;
