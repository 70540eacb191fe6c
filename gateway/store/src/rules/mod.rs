//! What the seam promises, as pure functions over a session's state: both stores obey the same
//! code and differ only in where the bytes go.

pub(crate) mod check;
pub(crate) mod fences;
pub(crate) mod frames;
pub(crate) mod lease;
pub(crate) mod read;
pub(crate) mod retention;
pub(crate) mod session;
pub(crate) mod stream;
