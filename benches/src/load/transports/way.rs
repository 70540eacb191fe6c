//! A transport, and how many reads share a connection.

use std::fmt;

use serde::Serialize;

use crate::transports::Via;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Way {
    /// The transport.
    pub via: Via,
    /// Reads of a connection.
    pub reads: u32,
}

impl Way {
    /// Each of `vias` with one read a connection, and with `reads` where it can.
    pub fn of(vias: &[Via], reads: u32) -> Vec<Self> {
        let of = |via: Via| {
            let many = (reads > 1 && via.is_shared()).then_some(Self { via, reads });
            [Some(Self { via, reads: 1 }), many]
        };
        vias.iter().copied().flat_map(of).flatten().collect()
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.via)?;
        if self.reads > 1 { write!(f, ", {} reads", self.reads) } else { Ok(()) }
    }
}
