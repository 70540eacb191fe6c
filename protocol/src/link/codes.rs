//! WebSocket close codes of the link (R-LNK-4): 4000 to 4499 say "reconnect and resume", 4500 to
//! 4999 say "do not: something must be mended".

/// The worker asked for the end (`bye`), or was drained and holds nothing any more.
pub const DONE: u16 = 1000;
/// A newer link of the same worker took over.
pub const REPLACED: u16 = 4001;
/// Nothing came for too long.
pub const SILENT: u16 = 4002;
/// The gateway drains.
pub const DRAINING: u16 = 4003;
/// The gateway has too many workers now; come back later.
pub const OVERLOADED: u16 = 4004;
/// What came is not a frame.
pub const MALFORMED: u16 = 4400;
/// The registration was refused.
pub const REFUSED: u16 = 4500;

/// Does `code` say that another connection would fare no better?
pub fn is_final(code: u16) -> bool {
    (4500..=4999).contains(&code)
}
