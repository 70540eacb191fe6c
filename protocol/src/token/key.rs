//! The two shapes of secret keys. The shape decides who makes public tokens.

/// Who makes the public tokens of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyShape {
    /// `tr_{dev|stg|prod|preview}_sk_` and exactly 24 alphanumerics: the gateway mints.
    Minting,
    /// Anything else: the SDK signs with the key itself.
    Root,
}

impl KeyShape {
    /// The shape of `key`.
    pub fn of(key: &str) -> Self {
        let is_minting = Prefix::ALL.iter().any(|prefix| {
            let secret = key
                .strip_prefix("tr_")
                .and_then(|rest| rest.strip_prefix(prefix.as_str()))
                .and_then(|rest| rest.strip_prefix("_sk_"));
            secret.is_some_and(is_secret)
        });
        if is_minting { Self::Minting } else { Self::Root }
    }
}

/// The stage that a key of the minting shape names. It need not be its environment's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// `dev`
    Dev,
    /// `stg`
    Stg,
    /// `prod`
    Prod,
    /// `preview`
    Preview,
}

impl Prefix {
    /// Every prefix.
    pub const ALL: [Self; 4] = [Self::Dev, Self::Stg, Self::Prod, Self::Preview];

    /// The wire form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Stg => "stg",
            Self::Prod => "prod",
            Self::Preview => "preview",
        }
    }

    /// Reads the wire form.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|prefix| prefix.as_str() == text)
    }
}

/// A key of the minting shape, from 24 random bytes.
pub fn generate(prefix: Prefix, entropy: [u8; SECRET_CHARS]) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    // A byte does not divide evenly by 62. What that costs is a few of the 142 bits.
    let secret = entropy.map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
    format!("tr_{}_sk_{}", prefix.as_str(), String::from_iter(secret))
}

/// Characters of a minting key after its prefix.
const SECRET_CHARS: usize = 24;

fn is_secret(text: &str) -> bool {
    text.len() == SECRET_CHARS && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "tr_prod_sk_abcdefghijklmnopqrstuvwX";

    #[test]
    fn shapes() {
        assert_eq!(KeyShape::of(GOOD), KeyShape::Minting);
        let roots = [
            "",
            "secret",
            "tr_prod_abcdefghijklmnopqrstuvwX",
            "tr_qa_sk_abcdefghijklmnopqrstuvwX",
            "tr_prod_sk_abcdefghijklmnopqrstuvw",
            "tr_prod_sk_abcdefghijklmnopqrstuvwXY",
            "tr_prod_sk_abcdefghijklmnopqrstuvw_",
            "tr_prod_sk_abcdefghijklmnopqrstuvä",
            " tr_prod_sk_abcdefghijklmnopqrstuvwX",
            "tr_prod_sk_abcdefghijklmnopqrstuvwX\n",
        ];
        for root in roots {
            assert_eq!(KeyShape::of(root), KeyShape::Root, "{root:?}");
        }
    }

    #[test]
    fn prefixes_round_trip() {
        for prefix in Prefix::ALL {
            assert_eq!(Prefix::parse(prefix.as_str()), Some(prefix));
        }
        assert_eq!(Prefix::parse("Dev"), None);
    }

    proptest! {
        #[test]
        fn generated_keys_are_minting(entropy: [u8; 24], at in 0..4usize) {
            let key = generate(Prefix::ALL[at], entropy);
            prop_assert_eq!(KeyShape::of(&key), KeyShape::Minting);
        }
    }
}
