//! What is kept at hand, within bounds.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// A map that forgets what was not used for long. There are two generations: what is used moves to
/// the young one, and when that is half of what may be kept, the old one goes.
#[derive(Debug)]
pub(super) struct Kept<K, V> {
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    weight: usize,
    max: usize,
}

impl<K: Hash + Eq, V: Clone> Kept<K, V> {
    /// Keeps values of at most `max` weight together.
    pub(super) fn new(max: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), weight: 0, max }
    }

    pub(super) fn get<Q>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if let Some((value, _)) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, (value, weight)) = self.old.remove_entry(key)?;
        self.put(key, value.clone(), weight);
        Some(value)
    }

    pub(super) fn put(&mut self, key: K, value: V, weight: usize) {
        self.old.remove(&key);
        self.weight += weight;
        if let Some((_, was)) = self.young.insert(key, (value, weight)) {
            self.weight -= was;
        }
        if self.weight > self.max / 2 {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
    }

    pub(super) fn remove<Q>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.old.remove(key);
        if let Some((_, weight)) = self.young.remove(key) {
            self.weight -= weight;
        }
    }

    /// Forgets every value that `is_gone`.
    pub(super) fn forget(&mut self, is_gone: impl Fn(&V) -> bool) {
        self.old.retain(|_, (value, _)| !is_gone(value));
        self.young.retain(|_, (value, _)| !is_gone(value));
        self.weight = self.young.values().map(|(_, weight)| weight).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays() {
        let mut kept = Kept::new(8);
        kept.put(0, 'x', 1);
        for i in 1..100 {
            kept.put(i, 'y', 1);
            assert_eq!(kept.get(&0), Some('x'));
        }
        assert_eq!(kept.get(&1), None);
        assert!(kept.young.len() + kept.old.len() <= 10);
        kept.remove(&0);
        assert_eq!(kept.get(&0), None);
    }
}
