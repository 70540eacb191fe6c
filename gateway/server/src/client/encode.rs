//! Percent encoding of one path segment or query value.

use std::fmt::Write;

/// `chat/1 ä` → `chat%2F1%20%C3%A4`.
pub fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_the_unreserved_is_encoded() {
        assert_eq!(percent("chat/1 ä"), "chat%2F1%20%C3%A4");
        assert_eq!(percent("A-z_0.9~"), "A-z_0.9~");
    }
}
