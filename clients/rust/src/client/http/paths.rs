//! Paths of one session.

use std::fmt::Write as _;

use crate::client::place::{Channel, Place};

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    name: String,
    place: Place,
}

impl Paths {
    pub(crate) fn new(session: &str, place: &Place) -> Self {
        Self { name: encode(session), place: place.clone() }
    }

    pub(crate) fn out(&self) -> String {
        self.stream(Channel::Out)
    }

    pub(crate) fn append(&self) -> String {
        format!("{}/append", self.stream(Channel::In))
    }

    pub(crate) fn records(&self, after: Option<u64>, limit: usize) -> String {
        let after = after.map(|seq| format!("afterEventId={seq}&")).unwrap_or_default();
        format!("{}/records?{after}limit={limit}", self.out())
    }

    pub(crate) fn inputs(&self, after: Option<u64>, limit: u64) -> String {
        let after = after.map(|seq| format!("after={seq}&")).unwrap_or_default();
        format!("/v1/sessions/{}/inputs?{after}limit={limit}", self.name)
    }

    pub(crate) fn session(&self, tail: &str) -> String {
        format!("/api/v1/sessions/{}{tail}", self.name)
    }

    fn stream(&self, usual: Channel) -> String {
        let side = self.place.side.as_deref();
        let side = side.map(|side| format!("/channels/{}", encode(side))).unwrap_or_default();
        let channel = self.place.channel.unwrap_or(usual).name();
        format!("/realtime/v1/sessions/{}{side}/{channel}", self.name)
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
    fn other_streams() {
        let of = |channel, side: Option<&str>| {
            Paths::new("s", &Place { channel, side: side.map(str::to_owned) })
        };
        let paths = of(Some(Channel::In), None);
        assert_eq!(paths.out(), "/realtime/v1/sessions/s/in");
        let paths = of(None, Some("a/b"));
        assert_eq!(paths.append(), "/realtime/v1/sessions/s/channels/a%2Fb/in/append");
        assert_eq!(paths.out(), "/realtime/v1/sessions/s/channels/a%2Fb/out");
    }

    #[test]
    fn names_are_one_segment() {
        let paths = Paths::new("chat/1 ä:x", &Place::default());
        assert_eq!(paths.out(), "/realtime/v1/sessions/chat%2F1%20%C3%A4%3Ax/out");
        let records = paths.records(Some(4), 2);
        assert!(records.ends_with("/out/records?afterEventId=4&limit=2"), "{records}");
    }
}
