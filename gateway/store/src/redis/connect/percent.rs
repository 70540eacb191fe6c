//! Percent-decoding, for credentials in URLs.

/// Decodes `%XX`; `None` if that is broken or not UTF-8.
pub(super) fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let value = digit(bytes.next())? * 16 + digit(bytes.next())?;
        decoded.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn decodes_or_refuses() {
        assert_eq!(decode("a%2Fb%c3%A9").as_deref(), Some("a/bé"));
        assert_eq!(decode("%2"), None);
        assert_eq!(decode("%ff"), None);
    }
}
