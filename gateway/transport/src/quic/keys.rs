//! The keys that gateways behind one UDP balancer share (R-H3-5).

use std::sync::Arc;

use quinn::{EndpointConfig, ServerConfig};
use quinn_proto::HashedConnectionIdGenerator;
use ring::hkdf::{HKDF_SHA256, Prk, Salt};
use ring::hmac::{self, HMAC_SHA256};
use ring::rand::{SecureRandom, SystemRandom};

const SALT: &[u8] = b"tidegate quic 1";

/// Made from one secret, for one purpose each.
pub(super) struct Keys {
    /// Seals tokens that prove a client's address.
    token: Prk,
    /// Makes the tokens of stateless resets.
    reset: hmac::Key,
    /// Tells connection ids of these gateways from others.
    ids: u64,
}

impl Keys {
    /// From `secret`, or from random bytes that nobody else has.
    pub(super) fn new(secret: Option<&str>) -> Self {
        let mut random = [0; 32];
        let secret = secret.map_or_else(
            || {
                SystemRandom::new().fill(&mut random).expect("the system has random bytes");
                &random[..]
            },
            str::as_bytes,
        );
        let root = Salt::new(HKDF_SHA256, SALT).extract(secret);
        let fits = "the output has the length of a hash";
        let mut ids = [0; 32];
        let made = root.expand(&[b"ids"], HKDF_SHA256).and_then(|key| key.fill(&mut ids));
        made.expect(fits);
        Self {
            token: root.expand(&[b"token"], HKDF_SHA256).expect(fits).into(),
            reset: root.expand(&[b"reset"], HMAC_SHA256).expect(fits).into(),
            ids: u64::from_be_bytes(*ids.first_chunk().expect("it is longer")),
        }
    }

    /// Everything that is not about a single connection.
    pub(super) fn endpoint(&self) -> EndpointConfig {
        let ids = self.ids;
        let mut config = EndpointConfig::new(Arc::new(self.reset.clone()));
        config.cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(ids)));
        config
    }

    /// Lets `config` give and take tokens of every gateway that has the secret.
    pub(super) fn seal(self, config: &mut ServerConfig) {
        config.token_key(Arc::new(self.token));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quinn::crypto::HmacKey;

    #[test]
    fn one_secret_gives_the_same_keys_everywhere_and_another_one_others() {
        let sign = |keys: &Keys| {
            let mut out = [0; 32];
            HmacKey::sign(&keys.reset, b"id", &mut out);
            out
        };
        let (one, same) = (Keys::new(Some("s")), Keys::new(Some("s")));
        let (other, random) = (Keys::new(Some("t")), Keys::new(None));
        assert_eq!((one.ids, sign(&one)), (same.ids, sign(&same)));
        for other in [other, random] {
            assert_ne!(one.ids, other.ids);
            assert_ne!(sign(&one), sign(&other));
        }
    }
}
