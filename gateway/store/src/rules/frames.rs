//! Recognises a frame that is sent again.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tidegate_core::seams::store::Appended;
use tidegate_protocol::limits::{FRAME_KEY_TTL_MS, FRAME_KEYS_MAX};

/// Answers to the newest frames of one stream, by frame key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frames {
    answers: HashMap<Arc<str>, Appended>,
    /// Oldest first. An answer's timestamp says when it was given.
    order: VecDeque<(u64, Arc<str>)>,
}

impl Frames {
    /// The first answer to `key`, unless it is too long ago.
    pub(crate) fn get(&self, key: &str, now: u64) -> Option<Appended> {
        let answer = self.answers.get(key)?;
        (!is_over(answer.timestamp, now)).then_some(Appended { repeated: true, ..*answer })
    }

    /// Remembers the answer to `key`, and forgets what is too old or too much.
    pub(crate) fn put(&mut self, key: &str, answer: Appended) {
        while let Some((timestamp, _)) = self.order.front() {
            if self.order.len() < FRAME_KEYS_MAX && !is_over(*timestamp, answer.timestamp) {
                break;
            }
            self.forget_oldest();
        }
        let key: Arc<str> = key.into();
        self.order.push_back((answer.timestamp, key.clone()));
        self.answers.insert(key, answer);
    }

    fn forget_oldest(&mut self) {
        let Some((timestamp, key)) = self.order.pop_front() else { return };
        // The key may have been given a newer answer since.
        if self.answers.get(&key).is_some_and(|answer| answer.timestamp == timestamp) {
            self.answers.remove(&key);
        }
    }
}

/// Has an answer of `timestamp` been forgotten at `now`?
pub(crate) fn is_over(timestamp: u64, now: u64) -> bool {
    timestamp.saturating_add(FRAME_KEY_TTL_MS) <= now
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(first: u64, timestamp: u64) -> Appended {
        Appended { epoch: 0, first, count: 1, timestamp, repeated: false }
    }

    #[test]
    fn remembers_the_first_answer_for_its_time() {
        let mut frames = Frames::default();
        frames.put("a", answer(7, 1_000));
        let again = Appended { repeated: true, ..answer(7, 1_000) };
        assert_eq!(frames.get("a", 1_000 + FRAME_KEY_TTL_MS - 1), Some(again));
        assert_eq!(frames.get("a", 1_000 + FRAME_KEY_TTL_MS), None);
        assert_eq!(frames.get("b", 1_000), None);
    }

    #[test]
    fn is_bounded_by_count_and_by_time() {
        let mut frames = Frames::default();
        for i in 0..FRAME_KEYS_MAX as u64 + 10 {
            frames.put(&format!("k{i}"), answer(i, 5));
        }
        assert_eq!((frames.answers.len(), frames.order.len()), (FRAME_KEYS_MAX, FRAME_KEYS_MAX));
        assert_eq!(frames.get("k9", 5), None);
        assert!(frames.get("k10", 5).is_some());
        frames.put("late", answer(0, 5 + FRAME_KEY_TTL_MS));
        assert_eq!((frames.answers.len(), frames.order.len()), (1, 1));
    }

    #[test]
    fn a_key_that_is_used_again_keeps_its_newer_answer() {
        let mut frames = Frames::default();
        frames.put("a", answer(1, 5));
        frames.put("a", answer(2, 5 + FRAME_KEY_TTL_MS));
        assert_eq!(frames.get("a", 6 + FRAME_KEY_TTL_MS).map(|a| a.first), Some(2));
    }
}
