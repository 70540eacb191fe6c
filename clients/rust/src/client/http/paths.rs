//! Paths of one session.

use std::fmt::Write as _;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    name: String,
}

impl Paths {
    pub(crate) fn new(session: &str) -> Self {
        Self { name: encode(session) }
    }

    pub(crate) fn out(&self) -> String {
        format!("/realtime/v1/sessions/{}/out", self.name)
    }

    pub(crate) fn append(&self) -> String {
        format!("/realtime/v1/sessions/{}/in/append", self.name)
    }

    pub(crate) fn records(&self, after: Option<u64>, limit: usize) -> String {
        let after = after.map(|seq| format!("afterEventId={seq}&")).unwrap_or_default();
        format!("{}/records?{after}limit={limit}", self.out())
    }

    pub(crate) fn session(&self, tail: &str) -> String {
        format!("/api/v1/sessions/{}{tail}", self.name)
    }
}

/// One segment of a path (R-ID-4): everything but unreserved characters is escaped.
fn encode(segment: &str) -> String {
    let mut out = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing to a String");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_segment() {
        let paths = Paths::new("chat/1 ä:x");
        assert_eq!(paths.out(), "/realtime/v1/sessions/chat%2F1%20%C3%A4%3Ax/out");
        let records = paths.records(Some(4), 2);
        assert!(records.ends_with("/out/records?afterEventId=4&limit=2"), "{records}");
    }
}
