//! Server-sent events, as far as the generator needs them: runs of whole events.

use memchr::memmem;

/// Joins the parts of an event stream.
#[derive(Debug)]
pub struct Events {
    carry: Vec<u8>,
    end: &'static [u8],
}

impl Default for Events {
    fn default() -> Self {
        Self { carry: Vec::new(), end: b"\n\n" }
    }
}

impl Events {
    /// Of what ends with each line, which is how frames come over WebTransport.
    pub fn lines() -> Self {
        Self { carry: Vec::new(), end: b"\n" }
    }

    /// Hands whole events to `sink`; several at once if several came at once.
    pub fn feed(&mut self, part: &[u8], mut sink: impl FnMut(&[u8])) {
        if self.carry.is_empty() && part.ends_with(self.end) {
            return sink(part);
        }
        // What was carried has no end but one that is cut.
        let from = (self.carry.len() + 1).saturating_sub(self.end.len());
        self.carry.extend_from_slice(part);
        if let Some(at) = memmem::rfind(&self.carry[from..], self.end) {
            let whole = from + at + self.end.len();
            sink(&self.carry[..whole]);
            self.carry.drain(..whole);
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
