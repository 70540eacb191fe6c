//! The kind bytes. They are part of the stored format: never renumber, never reuse.

pub(crate) const META: u8 = 0x01;
pub(crate) const SESSION: u8 = 0x10;
pub(crate) const STREAM: u8 = 0x11;
pub(crate) const BATCH: u8 = 0x12;
pub(crate) const FRAME: u8 = 0x13;
pub(crate) const OWED: u8 = 0x14;
pub(crate) const FATE: u8 = 0x15;
pub(crate) const BLOB: u8 = 0x16;
pub(crate) const ROW: u8 = 0x17;
pub(crate) const ID: u8 = 0x18;
pub(crate) const LISTING: u8 = 0x19;
pub(crate) const DUE: u8 = 0x1a;
pub(crate) const GARBAGE: u8 = 0x1b;
pub(crate) const OWING: u8 = 0x1c;
