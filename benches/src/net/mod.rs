//! Sockets and wire formats of the generator.

mod conn;
mod control;
mod events;
mod parser;
mod reactor;
mod record;
mod resp;

pub use conn::{Conn, READ_BYTES};
pub use control::{Bulk, Control, KEY, head, head_as};
pub use events::Events;
pub use parser::{Parser, Piece, content_length, status};
pub use reactor::{Reactor, Ready};
pub use record::{BODY_BYTES, Marker, Record, Scanner, write_body, write_bulk};
pub use resp::Resp;
