//! How much of a subscription is on its way (R-DPX-13, R-DPX-19).

use std::collections::VecDeque;

/// Batches that are told apart: what is beyond them is acknowledged with the newest of them.
const BATCHES_MAX: usize = 1_024;

/// The client acknowledged what was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("seq {seq} was acknowledged, but was never sent")]
pub struct Overrun {
    /// What it acknowledged.
    pub seq: u64,
}

/// What was sent and is not acknowledged. Without a size it remembers only how far was sent.
#[derive(Debug, Default)]
pub struct Window {
    size: Option<u64>,
    /// Seq after the last one, and bytes, of each batch on its way.
    batches: VecDeque<(u64, u64)>,
    bytes: u64,
    /// Seq after the last one that was sent.
    sent: u64,
}

impl Window {
    /// At most `size` metered bytes on their way; `None` is without limit. The client has what is
    /// before seq `from`.
    pub fn new(size: Option<u64>, from: u64) -> Self {
        Self { size, sent: from, ..Self::default() }
    }

    /// May a batch of `bytes` be sent now?
    pub fn has_room_for(&self, bytes: u64) -> bool {
        let Some(size) = self.size else { return true };
        self.batches.is_empty() || self.bytes.saturating_add(bytes) <= size
    }

    /// Is there no room for anything?
    pub fn is_full(&self) -> bool {
        !self.has_room_for(1)
    }

    /// A batch of `bytes` that ends before seq `end` was sent.
    pub fn sent(&mut self, end: u64, bytes: u64) {
        self.sent = end;
        if self.size.is_none() {
            return;
        }
        self.bytes += bytes;
        let are_many = self.batches.len() >= BATCHES_MAX;
        match self.batches.back_mut() {
            Some(newest) if are_many => {
                *newest = (end, newest.1 + bytes);
            }
            _ => self.batches.push_back((end, bytes)),
        }
    }

    /// The client has everything up to `seq`. Acknowledging less again means nothing.
    pub fn acknowledge(&mut self, seq: u64) -> Result<(), Overrun> {
        if seq >= self.sent {
            return Err(Overrun { seq });
        }
        while let Some((end, bytes)) =
            self.batches.front().copied().filter(|(end, _)| *end <= seq + 1)
        {
            debug_assert!(end <= self.sent);
            self.bytes -= bytes;
            self.batches.pop_front();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_batch_is_always_let_through() {
        let mut window = Window::new(Some(10), 0);
        assert!(window.has_room_for(100));
        window.sent(3, 100);
        assert!(window.is_full());
        assert_eq!(window.acknowledge(1), Ok(()));
        assert!(window.is_full());
        assert_eq!(window.acknowledge(2), Ok(()));
        assert!(window.has_room_for(100));
        assert_eq!(window.acknowledge(3), Err(Overrun { seq: 3 }));
    }

    #[test]
    fn without_a_size_nothing_is_kept() {
        let mut window = Window::new(None, 0);
        window.sent(5, 1 << 40);
        assert!(window.has_room_for(u64::MAX));
        assert!(window.batches.is_empty());
        assert_eq!(window.acknowledge(5), Err(Overrun { seq: 5 }));
    }

    #[test]
    fn a_client_that_never_acknowledges_costs_little() {
        let mut window = Window::new(Some(1 << 53), 0);
        let sent = 3 * BATCHES_MAX as u64;
        (1..=sent).for_each(|end| window.sent(end, 2));
        assert_eq!((window.batches.len(), window.bytes), (BATCHES_MAX, 2 * sent));
        assert_eq!(window.acknowledge(BATCHES_MAX as u64), Ok(()));
        assert_eq!(window.batches.len(), 1);
        assert_eq!(window.acknowledge(sent - 1), Ok(()));
        assert_eq!((window.batches.len(), window.bytes), (0, 0));
    }

    proptest! {
        /// Against the plain account: bytes of the batches that are not wholly acknowledged.
        #[test]
        fn room_is_what_is_left(
            size in 1..60u64,
            steps in proptest::collection::vec((any::<bool>(), 1..20u64), 1..60),
        ) {
            let mut window = Window::new(Some(size), 0);
            let (mut sent, mut acknowledged, mut tail) = (Vec::<(u64, u64)>::new(), None, 0u64);
            for (send, n) in steps {
                let open = sent.iter().filter(|(end, _)| acknowledged.is_none_or(|a| *end > a + 1));
                let open: Vec<u64> = open.map(|(_, bytes)| *bytes).collect();
                let room = open.is_empty() || open.iter().sum::<u64>() + n <= size;
                prop_assert_eq!(window.has_room_for(n), room);
                if send && room {
                    tail += n;
                    sent.push((tail, n));
                    window.sent(tail, n);
                } else if let Some(seq) = tail.checked_sub(n) {
                    prop_assert_eq!(window.acknowledge(seq), Ok(()));
                    acknowledged = acknowledged.max(Some(seq));
                } else {
                    prop_assert!(window.acknowledge(tail).is_err());
                }
            }
        }
    }
}
