//! Request paths: split first, decoded afterwards, so that an encoded slash stays part of its
//! segment (trap 25).

use std::borrow::Cow;

use tidegate_core::error::Result;
use tidegate_protocol::{ApiError, ErrorCode};

/// Decodes one segment, once.
pub(super) fn decode(segment: &str) -> Result<Cow<'_, str>> {
    if !segment.contains('%') {
        return Ok(Cow::Borrowed(segment));
    }
    let bytes = unescape(segment.as_bytes()).ok_or_else(bad)?;
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| bad())
}

/// Decodes one part of a query, where `+` is a space.
pub(super) fn decode_form(part: &str) -> Result<String> {
    let spaced = part.replace('+', " ");
    Ok(decode(&spaced)?.into_owned())
}

/// Replaces `%XX` by the byte; `None` for a `%` that two hexadecimal digits do not follow.
fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        if *first != b'%' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let [high, low, tail @ ..] = tail else { return None };
        bytes.push(hex(*high)? << 4 | hex(*low)?);
        rest = tail;
    }
    Some(bytes)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn bad() -> ApiError {
    let message = "the address holds a broken percent-encoding, or one that is not UTF-8";
    ApiError::new(ErrorCode::InvalidParameter, message).at("url")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_once() {
        let cases = [
            ("plain", Some("plain")),
            ("chat%2F1%20%C3%A4", Some("chat/1 ä")),
            ("a+b", Some("a+b")),
            ("%252F", Some("%2F")),
            ("%", None),
            ("%2", None),
            ("%zz", None),
            ("%+1", None),
            ("%C3", None),
            ("%ff", None),
        ];
        for (raw, decoded) in cases {
            assert_eq!(decode(raw).ok().as_deref(), decoded, "{raw}");
        }
        assert_eq!(decode_form("s+1%2B").expect("valid"), "s 1+");
    }
}
