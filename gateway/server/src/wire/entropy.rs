//! Randomness from the system.

use tidegate_core::seams::Entropy;

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn next_u128(&self) -> u128 {
        let mut bytes = [0; 16];
        // Ids that can be guessed are worse than no service; the system's generator does not fail
        // once it has given its first bytes.
        getrandom::fill(&mut bytes).expect("the system gives randomness");
        u128::from_ne_bytes(bytes)
    }
}
