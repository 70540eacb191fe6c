//! A map that forgets what was not used for a while.

use std::collections::HashMap;
use std::hash::Hash;

/// A map of two generations: once the young one is full, what the old one holds is forgotten.
/// So it holds between `size` and twice `size` of the entries used last.
#[derive(Debug)]
pub(super) struct Cache<K, V> {
    size: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash + Clone, V> Cache<K, V> {
    pub(super) fn new(size: usize) -> Self {
        Self { size, young: HashMap::new(), old: HashMap::new() }
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        if !self.old.is_empty()
            && let Some((key, value)) = self.old.remove_entry(key)
        {
            self.young.insert(key, value);
        }
        self.young.get_mut(key)
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        self.old.remove(&key);
        self.young.insert(key, value);
    }

    /// Starts a new generation if the young one is full. Entries stay put between two calls.
    pub(super) fn age(&mut self) {
        if self.young.len() >= self.size {
            self.old = std::mem::take(&mut self.young);
        }
    }

    pub(super) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays() {
        let mut cache = Cache::new(2);
        for key in 0..100 {
            cache.insert(key, key);
            assert_eq!(cache.get_mut(&0), Some(&mut 0));
            cache.age();
            assert!(cache.young.len() + cache.old.len() <= 4);
        }
        assert_eq!(cache.get_mut(&50), None);
    }
}
