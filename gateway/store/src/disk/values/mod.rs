//! What the values of the disk store look like.

pub(crate) mod batch;
pub(crate) mod frame;
pub(crate) mod heads;
pub(crate) mod varint;
