//! Protocol versions (R-VER).

/// Request and response header that names the protocol version.
pub const VERSION_HEADER: &str = "tidegate-protocol-version";
/// The version that a request without the header gets.
pub const DEFAULT: u32 = 1;
/// Every version that this build speaks.
pub const SUPPORTED: &[u32] = &[1];

/// Reads the header; `Err` holds nothing since the answer is always the supported list.
pub fn parse(header: Option<&[u8]>) -> Result<u32, UnsupportedVersion> {
    let Some(header) = header else { return Ok(DEFAULT) };
    std::str::from_utf8(header)
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .filter(|version| SUPPORTED.contains(version))
        .ok_or(UnsupportedVersion)
}

/// The request names a version outside [`SUPPORTED`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unsupported protocol version; supported: {SUPPORTED:?}")]
pub struct UnsupportedVersion;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_is_one_and_unknown_is_refused() {
        assert_eq!(parse(None), Ok(1));
        assert_eq!(parse(Some(b" 1 ")), Ok(1));
        assert_eq!(parse(Some(b"2")), Err(UnsupportedVersion));
        assert_eq!(parse(Some(b"v1")), Err(UnsupportedVersion));
        assert_eq!(parse(Some(&[0xff])), Err(UnsupportedVersion));
    }
}
