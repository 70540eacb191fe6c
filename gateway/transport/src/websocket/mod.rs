//! WebSockets: the handshake over HTTP/1.1 and HTTP/2, and what goes over them afterwards. What the
//! messages mean is their bindings' business.

mod bounds;
mod end;
mod goodbye;
mod outbox;
mod polled;
mod socket;
mod upgrade;

pub(crate) use bounds::Bounds;
pub(crate) use end::End;
pub(crate) use socket::{Message, Socket};
pub(crate) use upgrade::{Handshake, Io, asks_for_socket};
