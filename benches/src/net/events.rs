//! Server-sent events, as far as the generator needs them: runs of whole events.

use memchr::memmem;

/// Joins the parts of an event stream.
#[derive(Debug, Default)]
pub struct Events {
    carry: Vec<u8>,
}

impl Events {
    /// Hands whole events to `sink`; several at once if several came at once.
    pub fn feed(&mut self, part: &[u8], mut sink: impl FnMut(&[u8])) {
        if self.carry.is_empty() && part.ends_with(b"\n\n") {
            return sink(part);
        }
        self.carry.extend_from_slice(part);
        if let Some(at) = memmem::rfind(&self.carry, b"\n\n") {
            sink(&self.carry[..at + 2]);
            self.carry.drain(..at + 2);
            if self.carry.is_empty() {
                // An idle reader holds nothing.
                self.carry = Vec::new();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_gives_the_same_events() {
        let wire = b"event: ping\ndata: 1\n\ndata: 2\n\n";
        for cut in 0..=wire.len() {
            let (mut events, mut seen) = (Events::default(), Vec::new());
            events.feed(&wire[..cut], |run| seen.extend_from_slice(run));
            events.feed(&wire[cut..], |run| seen.extend_from_slice(run));
            assert_eq!(seen, wire, "cut at {cut}");
        }
    }
}
