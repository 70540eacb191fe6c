//! Public tokens: JWTs signed with HS256 (RFC 7515, RFC 7519).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::claims::{AUDIENCE, Claims, ISSUER};
use crate::limits::CREDENTIAL_MAX_BYTES;

/// Why a token is refused. The messages are for a person and name nothing of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not three base64url parts with a JSON header and JSON claims.
    #[error("the access token is not a valid JWT")]
    Malformed,
    /// Over [`CREDENTIAL_MAX_BYTES`].
    #[error("the access token is longer than {CREDENTIAL_MAX_BYTES} bytes")]
    TooLong,
    /// Not HS256, or with extensions that must be understood (`crit`).
    #[error("the access token must be signed with HS256 and without critical extensions")]
    UnsupportedAlgorithm,
    /// Of another kind, as its header's `typ` says (R-TOK-17).
    #[error("the access token is of another kind than the one that belongs here")]
    WrongType,
    /// Signed with another key, or changed after it was signed.
    #[error("the access token's signature does not match the environment's key")]
    BadSignature,
    /// `iss` is another.
    #[error("the access token's issuer must be {ISSUER}")]
    WrongIssuer,
    /// `aud` is another.
    #[error("the access token's audience must be {AUDIENCE}")]
    WrongAudience,
    /// `pub` is not `true`.
    #[error("the access token is not a public token")]
    NotPublic,
    /// `nbf` lies ahead.
    #[error("the access token is not valid yet")]
    NotYetValid,
    /// `exp` is reached.
    #[error("the access token has expired; get a fresh one")]
    Expired,
}

/// What may be looked at before the signature is checked: enough to find the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unverified {
    /// The environment id that the token claims.
    pub sub: String,
    /// Does it claim to be a public token?
    pub public: bool,
    /// The kind that its header names.
    pub typ: Option<String>,
    /// When it ends by what it claims, Unix seconds.
    pub exp: Option<u64>,
}

/// Signs `claims`. The header is `{"alg":"HS256"}`.
pub fn sign(claims: &Claims, key: &[u8]) -> String {
    sign_with(HEADER.to_owned(), claims, key)
}

/// Signs the claims of a token of another kind. The header is `{"alg":"HS256","typ":"…"}`.
pub fn sign_as(typ: &str, claims: &impl Serialize, key: &[u8]) -> String {
    let header = serde_json::json!({"alg": "HS256", "typ": typ}).to_string();
    sign_with(URL_SAFE_NO_PAD.encode(header), claims, key)
}

fn sign_with(header: String, claims: &impl Serialize, key: &[u8]) -> String {
    let json = serde_json::to_vec(claims).expect("claims have string keys only");
    let mut token = header;
    token.reserve(json.len() * 4 / 3 + 50);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(&json, &mut token);
    let mac = mac(key).chain_update(&token).finalize().into_bytes();
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(mac, &mut token);
    token
}

/// Reads who a token claims to be from. Nothing of it may be trusted yet.
pub fn peek(token: &str) -> Result<Unverified, TokenError> {
    let parts = Parts::of(token)?;
    let claims: UnverifiedClaims = decode_json(parts.claims)?;
    let header: JoseHeader = decode_json(parts.header)?;
    let UnverifiedClaims { sub, public, exp } = claims;
    Ok(Unverified { sub, public, typ: header.typ, exp })
}

/// Checks signature, issuer, audience, kind and times; `now_s` is in Unix seconds. There is no
/// tolerance for clock skew.
pub fn verify(token: &str, key: &[u8], now_s: u64) -> Result<Claims, TokenError> {
    let parts = Parts::of(token)?;
    let claims: Claims = parts.open(key, is_public)?;
    check(&claims, now_s)?;
    Ok(claims)
}

/// Checks that a token is of the kind `typ` and signed by `key`, and reads its claims. What they
/// say, `exp` included, is for the caller to check.
pub fn open_as<T: DeserializeOwned>(typ: &str, token: &str, key: &[u8]) -> Result<T, TokenError> {
    Parts::of(token)?.open(key, |kind| kind == Some(typ))
}

/// `{"alg":"HS256"}`
const HEADER: &str = "eyJhbGciOiJIUzI1NiJ9";

struct Parts<'a> {
    header: &'a str,
    claims: &'a str,
    signature: &'a str,
    /// Header and claims with the dot between them.
    signed: &'a str,
}

impl<'a> Parts<'a> {
    fn of(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > CREDENTIAL_MAX_BYTES {
            return Err(TokenError::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        Ok(Self { header, claims, signature, signed })
    }

    fn open<T: DeserializeOwned>(
        &self,
        key: &[u8],
        is_kind: impl Fn(Option<&str>) -> bool,
    ) -> Result<T, TokenError> {
        let header: JoseHeader = decode_json(self.header)?;
        if header.alg != "HS256" || header.crit.is_some() {
            return Err(TokenError::UnsupportedAlgorithm);
        }
        if !is_kind(header.typ.as_deref()) {
            return Err(TokenError::WrongType);
        }
        let signature =
            URL_SAFE_NO_PAD.decode(self.signature).map_err(|_| TokenError::Malformed)?;
        // The comparison takes the same time wherever the two differ.
        mac(key)
            .chain_update(self.signed)
            .verify_slice(&signature)
            .map_err(|_| TokenError::BadSignature)?;
        decode_json(self.claims)
    }
}

/// R-TOK-17.
fn is_public(typ: Option<&str>) -> bool {
    typ.is_none_or(|typ| typ.eq_ignore_ascii_case("jwt"))
}

#[derive(Deserialize)]
struct JoseHeader {
    alg: String,
    crit: Option<serde_json::Value>,
    typ: Option<String>,
}

#[derive(Deserialize)]
struct UnverifiedClaims {
    sub: String,
    #[serde(rename = "pub", default)]
    public: bool,
    #[serde(default)]
    exp: Option<u64>,
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn decode_json<T: DeserializeOwned>(part: &str) -> Result<T, TokenError> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)?;
    // Serde would also take an array for a struct.
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err(TokenError::Malformed);
    }
    serde_json::from_slice(&json).map_err(|_| TokenError::Malformed)
}

fn check(claims: &Claims, now_s: u64) -> Result<(), TokenError> {
    if claims.iss != ISSUER {
        return Err(TokenError::WrongIssuer);
    }
    if claims.aud != AUDIENCE {
        return Err(TokenError::WrongAudience);
    }
    if !claims.public {
        return Err(TokenError::NotPublic);
    }
    match claims.rest.get("nbf").map(|nbf| nbf.as_u64()) {
        None => {}
        Some(Some(nbf)) if nbf <= now_s => {}
        Some(Some(_)) => return Err(TokenError::NotYetValid),
        Some(None) => return Err(TokenError::Malformed),
    }
    if claims.exp <= now_s {
        return Err(TokenError::Expired);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_claims() -> impl Strategy<Value = Claims> {
        let rest = proptest::collection::btree_map("x[a-z]{1,4}", any::<i64>(), 0..3);
        let times = (0..1_u64 << 53, 2..1_u64 << 53);
        (any::<String>(), any::<Vec<String>>(), times, any::<Option<bool>>(), rest).prop_map(
            |(sub, scopes, (iat, exp), otu, rest)| Claims {
                otu,
                rest: rest.into_iter().map(|(key, value)| (key, value.into())).collect(),
                ..Claims::public(sub, scopes, iat, exp)
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_signed_verifies(claims in any_claims(), key: Vec<u8>) {
            let token = sign(&claims, &key);
            let sub = claims.sub.clone();
            let peeked = Unverified { sub, public: true, typ: None, exp: Some(claims.exp) };
            prop_assert_eq!(peek(&token), Ok(peeked));
            prop_assert_eq!(verify(&token, &key, claims.exp), Err(TokenError::Expired));
            prop_assert_eq!(verify(&token, &key, claims.exp - 1), Ok(claims));
        }

        #[test]
        fn no_changed_character_goes_unseen(
            at: prop::sample::Index,
            to in prop::sample::select(b"AZaz09-_.=".to_vec()),
        ) {
            let claims = Claims::public("env", vec!["read:sessions".to_owned()], 0, 100);
            let token = sign(&claims, b"key");
            let mut changed = token.clone().into_bytes();
            changed[at.index(token.len())] = to;
            let changed = String::from_utf8(changed).expect("ASCII");
            prop_assume!(changed != token);
            prop_assert!(verify(&changed, b"key", 1).is_err());
        }

        #[test]
        fn any_text_is_refused_without_a_panic(
            text: String,
            parts in "[a-zA-Z0-9_-]{0,9}(\\.[a-zA-Z0-9_-]{0,9}){0,3}",
        ) {
            for text in [text, parts] {
                prop_assert!(verify(&text, b"key", 1).is_err());
                prop_assert!(peek(&text).is_err());
            }
        }
    }

    /// RFC 7515 appendix A.1: a signature that another implementation made with a binary key.
    #[test]
    fn the_signature_of_the_rfc_is_accepted() {
        let token = concat!(
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.",
            "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt",
            "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.",
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        );
        let key = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1\
                   Z9CAow";
        let key = URL_SAFE_NO_PAD.decode(key).expect("base64url");
        // The signature holds, so it is the claims that are refused: they name no environment.
        assert_eq!(verify(token, &key, 0), Err(TokenError::Malformed));
        assert_eq!(verify(token, &key[1..], 0), Err(TokenError::BadSignature));
    }
}
