//! How gateways of a fleet share work that any of them could do: each looks after some of the
//! partitions. Pure; who sees the same fleet decides alike, without a word.

use sha2::{Digest, Sha256};

/// Who of `nodes` looks after `partition`: whose name and the partition's number hash highest. When
/// a node comes or goes, only what it looks after changes hands.
pub(super) fn keeper<'a>(nodes: impl Iterator<Item = &'a str>, partition: u8) -> Option<&'a str> {
    nodes.max_by_key(|node| {
        let hash = Sha256::new().chain_update(node).chain_update([0, partition]).finalize();
        <[u8; 32]>::from(hash)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODES: [&str; 3] = ["a", "b", "c"];

    fn keepers(nodes: &[&'static str]) -> Vec<&'static str> {
        let of = |partition| keeper(nodes.iter().copied(), partition).expect("there is one");
        (0..=u8::MAX).map(of).collect()
    }

    #[test]
    fn everybody_decides_alike_and_has_a_part() {
        let all = keepers(&NODES);
        assert_eq!(all, keepers(&["c", "a", "b"]));
        for node in NODES {
            let part = all.iter().filter(|keeper| **keeper == node).count();
            assert!((48..=124).contains(&part), "{node} has {part} of 256");
        }
        assert_eq!(keeper(std::iter::empty(), 0), None);
    }

    #[test]
    fn only_what_a_lost_node_had_changes_hands() {
        let (all, rest) = (keepers(&NODES), keepers(&["a", "c"]));
        for (before, after) in all.iter().zip(rest) {
            assert!(*before == after || *before == "b", "{before} {after}");
        }
    }
}
