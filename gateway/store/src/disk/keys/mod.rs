//! What the keys of the disk store look like: one file per kind. The first byte is the kind;
//! numbers are big-endian, so that keys of a kind sort by them.

pub(crate) mod batch;
pub(crate) mod blob;
pub(crate) mod due;
pub(crate) mod fate;
pub(crate) mod frame;
pub(crate) mod garbage;
pub(crate) mod id;
pub(crate) mod kind;
pub(crate) mod listing;
pub(crate) mod meta;
pub(crate) mod owed;
pub(crate) mod owing;
pub(crate) mod parts;
pub(crate) mod row;
pub(crate) mod session;
pub(crate) mod stream;
