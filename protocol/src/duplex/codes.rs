//! Close codes of the duplex binding (R-DPX-25): 4000 to 4499 say "reconnect, with your cursors",
//! 4500 to 4999 say "do not: something must be mended".

/// The token of `hello` has expired.
pub const EXPIRED: u16 = 4001;
/// Nothing was heard for too long.
pub const SILENT: u16 = 4002;
/// The gateway drains.
pub const DRAINING: u16 = 4003;
/// The gateway holds too much, or failed.
pub const UNAVAILABLE: u16 = 4004;
/// No `hello` came in time.
pub const NO_HELLO: u16 = 4006;
/// What came is not a frame.
pub const MALFORMED: u16 = 4400;
/// The credential of `hello` is not valid.
pub const REFUSED: u16 = 4500;
/// A frame over `DUPLEX_FRAME_MAX_BYTES`.
pub const TOO_LARGE: u16 = 4503;
/// An `ack` of what was not sent.
pub const OVERRUN: u16 = 4506;

/// Does `code` say that another connection would fare no better?
pub fn is_final(code: u16) -> bool {
    (4500..=4999).contains(&code)
}
