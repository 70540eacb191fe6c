//! JSON as JavaScript reads it, where that differs from `serde_json`.

use std::borrow::Cow;

use serde_json::{Error, Value};

/// Parses JSON text. A lone surrogate escape, which `JSON.parse` accepts, becomes U+FFFD.
pub fn parse_js(text: &str) -> Result<Value, Error> {
    serde_json::from_str(text).or_else(|error| match replace_lone_surrogates(text) {
        Cow::Borrowed(_) => Err(error),
        Cow::Owned(fixed) => serde_json::from_str(&fixed),
    })
}

/// Whether `ai`'s parser refuses the value as prototype pollution: a key `__proto__`, or a
/// `constructor` object with a key `prototype`, at any depth.
pub(super) fn has_forbidden_key(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, inner)| {
            key == "__proto__"
                || (key == "constructor" && inner.get("prototype").is_some())
                || has_forbidden_key(inner)
        }),
        Value::Array(items) => items.iter().any(has_forbidden_key),
        _ => false,
    }
}

/// `text` with U+FFFD for each lone surrogate escape.
pub(crate) fn replace_lone_surrogates(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find('\\') {
        let start = at + found;
        let Some(unit) = unit_at(text, start) else {
            // Some other escape: its second character can't start one.
            at = start + 1 + text[start + 1..].chars().next().map_or(0, char::len_utf8);
            continue;
        };
        at = start + ESCAPE;
        let paired = (0xD800..0xDC00).contains(&unit)
            && unit_at(text, at).is_some_and(|low| (0xDC00..0xE000).contains(&low));
        if paired {
            at += ESCAPE;
        } else if (0xD800..0xE000).contains(&unit) {
            out.push_str(&text[copied..start]);
            out.push_str("\\ufffd");
            copied = at;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}

/// Bytes of a `\uXXXX` escape.
const ESCAPE: usize = 6;

fn unit_at(text: &str, at: usize) -> Option<u16> {
    let hex = text.get(at..at + ESCAPE)?.strip_prefix("\\u")?;
    // `from_str_radix` alone would take a sign.
    hex.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u16::from_str_radix(hex, 16).ok())?
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_lone_surrogates_are_replaced() {
        let parse = |text| parse_js(text).unwrap();
        assert_eq!(parse(r#""\ud83d\ude00""#), json!("\u{1f600}"));
        assert_eq!(parse(r#""\ud83d\ud83d\ude00""#), json!("\u{fffd}\u{1f600}"));
        assert_eq!(parse(r#""\ude00x\ud83d""#), json!("\u{fffd}x\u{fffd}"));
        assert_eq!(parse(r#""\\ud83d \ud83d""#), json!("\\ud83d \u{fffd}"));
        assert!(parse_js(r#""\ud83"#).is_err());
        assert!(parse_js("\"\\é\\ud83d\"").is_err());
        assert!(parse_js("\\").is_err());
    }

    #[test]
    fn forbidden_keys_are_found_at_depth() {
        assert!(has_forbidden_key(&json!([{"a": {"__proto__": 1}}])));
        assert!(has_forbidden_key(&json!({"constructor": {"prototype": null}})));
        assert!(!has_forbidden_key(&json!({"constructor": "prototype", "prototype": 1})));
    }
}
