//! JSON that stopped in the middle, read as far as it went.

use serde_json::Value;

use super::json::{has_forbidden_key, parse_js};

/// The value that an unfinished JSON text shows so far, as `ai`'s `parsePartialJson` gives it:
/// open strings, arrays and objects are closed, a half-written key, number or escape is dropped,
/// a half-written literal is completed. `None` when even that is not JSON.
pub fn parse_partial_json(text: &str) -> Option<Value> {
    let whole = parse_js(text).or_else(|_| parse_js(&complete(text))).ok()?;
    (!has_forbidden_key(&whole)).then_some(whole)
}

/// What the scanner is inside of; a stack of these is the nesting.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Before the outermost value.
    Root,
    /// After the outermost value.
    Done,
    Str,
    Escape,
    /// Inside `\uXXXX`, with this many digits read.
    Unicode(u8),
    Literal,
    Number,
    /// Inside an object, before its first key.
    ObjectOpen,
    Key,
    AfterKey,
    BeforeValue,
    AfterMember,
    MemberComma,
    /// Inside an array, before its first item.
    ArrayOpen,
    AfterItem,
    ItemComma,
}

const LITERALS: [&str; 3] = ["true", "false", "null"];

struct Scanner<'a> {
    text: &'a str,
    stack: Vec<Place>,
    /// End of the longest prefix worth keeping.
    keep: usize,
    literal_start: usize,
}

/// The text cut back to its last useful character, with everything open closed.
fn complete(text: &str) -> String {
    let mut scanner = Scanner { text, stack: vec![Place::Root], keep: 0, literal_start: 0 };
    for (at, c) in text.char_indices() {
        scanner.step(c, at, at + c.len_utf8());
    }
    let mut out = text[..scanner.keep].to_owned();
    for place in scanner.stack.iter().rev() {
        match place {
            Place::Str => out.push('"'),
            Place::ObjectOpen
            | Place::Key
            | Place::AfterKey
            | Place::BeforeValue
            | Place::AfterMember
            | Place::MemberComma => out.push('}'),
            Place::ArrayOpen | Place::AfterItem | Place::ItemComma => out.push(']'),
            Place::Literal => {
                let seen = &text[scanner.literal_start..];
                let rest = LITERALS.iter().find_map(|literal| literal.strip_prefix(seen));
                out.push_str(rest.unwrap_or_default());
            }
            _ => {}
        }
    }
    out
}

impl Scanner<'_> {
    fn step(&mut self, c: char, at: usize, end: usize) {
        let Some(&place) = self.stack.last() else { return };
        match place {
            Place::Root => self.value_start(c, at, end, Place::Done),
            Place::BeforeValue => self.value_start(c, at, end, Place::AfterMember),
            Place::ItemComma => self.value_start(c, at, end, Place::AfterItem),
            Place::ArrayOpen if c == ']' => self.close(end),
            Place::ArrayOpen => self.value_start(c, at, end, Place::AfterItem),
            Place::ObjectOpen if c == '}' => self.close(end),
            Place::ObjectOpen | Place::MemberComma if c == '"' => self.swap(Place::Key),
            Place::Key if c == '"' => self.swap(Place::AfterKey),
            Place::AfterKey if c == ':' => self.swap(Place::BeforeValue),
            Place::AfterMember => self.after_value(c, end),
            Place::AfterItem if c == ',' || c == ']' => self.after_value(c, end),
            Place::AfterItem => self.keep = end,
            Place::Str | Place::Escape | Place::Unicode(_) => self.string(place, c, end),
            Place::Number => self.number(c, end),
            Place::Literal => self.literal(c, end),
            _ => {}
        }
    }

    fn value_start(&mut self, c: char, at: usize, end: usize, then: Place) {
        let inside = match c {
            '"' => Place::Str,
            't' | 'f' | 'n' => {
                self.literal_start = at;
                Place::Literal
            }
            '-' | '0'..='9' => Place::Number,
            '{' => Place::ObjectOpen,
            '[' => Place::ArrayOpen,
            _ => return,
        };
        if c != '-' {
            self.keep = end;
        }
        self.swap(then);
        self.stack.push(inside);
    }

    /// What may follow a finished member or item; other characters are passed over.
    fn after_value(&mut self, c: char, end: usize) {
        match (self.stack.last(), c) {
            (Some(Place::AfterMember), ',') => self.swap(Place::MemberComma),
            (Some(Place::AfterItem), ',') => self.swap(Place::ItemComma),
            (Some(Place::AfterMember), '}') | (Some(Place::AfterItem), ']') => self.close(end),
            _ => {}
        }
    }

    fn string(&mut self, place: Place, c: char, end: usize) {
        match place {
            Place::Str if c == '"' => self.close(end),
            Place::Str if c == '\\' => self.stack.push(Place::Escape),
            Place::Escape if c == 'u' => self.swap(Place::Unicode(0)),
            Place::Escape => self.close(end),
            Place::Unicode(digits) if c.is_ascii_hexdigit() => match digits {
                3 => self.close(end),
                _ => self.swap(Place::Unicode(digits + 1)),
            },
            Place::Unicode(_) => {}
            _ => self.keep = end,
        }
    }

    fn number(&mut self, c: char, end: usize) {
        match c {
            '0'..='9' => self.keep = end,
            'e' | 'E' | '-' | '.' => {}
            _ => {
                self.stack.pop();
                self.after_value(c, end);
            }
        }
    }

    fn literal(&mut self, c: char, end: usize) {
        let seen = &self.text[self.literal_start..end];
        if LITERALS.iter().any(|literal| literal.starts_with(seen)) {
            self.keep = end;
        } else {
            self.stack.pop();
            self.after_value(c, end);
        }
    }

    fn close(&mut self, end: usize) {
        self.stack.pop();
        self.keep = end;
    }

    fn swap(&mut self, place: Place) {
        self.stack.pop();
        self.stack.push(place);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn unfinished_values_show_what_is_there() {
        let cases = [
            (r#"{"a": "b"#, json!({"a": "b"})),
            (r#"{"a": 1, "b"#, json!({"a": 1})),
            (r#"{"a": 1, "b":"#, json!({"a": 1})),
            (r#"{"a": [1, 2"#, json!({"a": [1, 2]})),
            (r#"{"a": [1.5, -"#, json!({"a": [1.5]})),
            (r#"{"a": tr"#, json!({"a": true})),
            (r#"["x\"#, json!(["x"])),
            (r#"["x\u00"#, json!(["x"])),
            (r#"["x\ud83d"#, json!(["x\u{fffd}"])),
            ("[[{", json!([[{}]])),
            ("12.", json!(12)),
            ("nul", json!(null)),
        ];
        for (text, value) in cases {
            assert_eq!(parse_partial_json(text), Some(value), "{text}");
        }
        for text in ["", " ", "-", "hello", "{\"__proto__\":1}"] {
            assert_eq!(parse_partial_json(text), None, "{text}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            any::<i16>().prop_map(|n| Value::from(f64::from(n) / 8.0)),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[a-c\"\\\\]{0,3}", inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_prefix_of_an_object_is_readable(value in any_json()) {
            let text = json!({"k": value}).to_string();
            for (at, _) in text.char_indices().skip(1) {
                prop_assert!(parse_partial_json(&text[..at]).is_some(), "{}", &text[..at]);
            }
            prop_assert_eq!(parse_partial_json(&text), Some(json!({"k": value})));
        }

        #[test]
        fn any_text_is_read_without_panic(text in any::<String>()) {
            let _ = parse_partial_json(&text);
        }
    }
}
