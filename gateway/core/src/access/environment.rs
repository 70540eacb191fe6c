//! An environment: a tenant with its own keys, sessions and tokens.

use std::fmt;
use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tidegate_protocol::token::key::KeyShape;

/// A tenant. Its name is the `sub` of its tokens.
#[derive(Debug)]
pub struct Environment {
    /// Unique; no `/`.
    pub name: Arc<str>,
    keys: Vec<Key>,
}

struct Key {
    secret: String,
    signing: Vec<u8>,
    shape: KeyShape,
}

impl Environment {
    /// `secret_keys` in order of preference: the first one signs, all of them verify.
    pub fn new(name: &str, secret_keys: Vec<String>) -> Self {
        let keys = secret_keys.into_iter().map(Key::new).collect();
        Self { name: name.into(), keys }
    }

    /// Is `bearer` one of the secret keys? Compared in constant time.
    pub(super) fn has_secret(&self, bearer: &str) -> bool {
        self.keys.iter().fold(false, |found, key| found | same(&key.secret, bearer))
    }

    /// The key that signs tokens; an environment without keys signs nothing.
    pub(super) fn signing_key(&self) -> Option<&[u8]> {
        self.keys.first().map(|key| key.signing.as_slice())
    }

    /// The key of every secret that signs, or did so when it came first.
    pub(super) fn signing_keys(&self) -> impl Iterator<Item = &[u8]> {
        self.keys.iter().map(|key| key.signing.as_slice())
    }

    /// Every key that may have signed a public token. Old SDKs (4.5) sign with the key itself,
    /// whatever its shape.
    pub(super) fn verifying_keys(&self) -> impl Iterator<Item = &[u8]> {
        self.keys.iter().flat_map(|key| {
            let itself = (key.shape == KeyShape::Minting).then_some(key.secret.as_bytes());
            std::iter::once(key.signing.as_slice()).chain(itself)
        })
    }
}

impl Key {
    /// Tokens of minting keys are signed with a key derived from the secret, so that a leaked
    /// signing key is no API key and every gateway with the same configuration derives the same.
    /// Root keys are what the SDK itself signs with (trigger-client §2.2).
    fn new(secret: String) -> Self {
        let shape = KeyShape::of(&secret);
        let signing = match shape {
            KeyShape::Root => secret.clone().into_bytes(),
            KeyShape::Minting => {
                let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
                let mut mac = mac.expect("HMAC takes keys of any length");
                mac.update(b"tidegate session tokens v1");
                mac.finalize().into_bytes().to_vec()
            }
        };
        Self { secret, signing, shape }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("shape", &self.shape).finish_non_exhaustive()
    }
}

fn same(a: &str, b: &str) -> bool {
    let differ = a.bytes().zip(b.bytes()).fold(0, |all, (x, y)| all | (x ^ y));
    a.len() == b.len() && std::hint::black_box(differ) == 0
}
