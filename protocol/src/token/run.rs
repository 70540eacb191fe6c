//! Run tokens: the key of one run of an agent in another process (R-RUN).

use serde::{Deserialize, Serialize};

use super::jwt::{self, TokenError};

/// `typ` of a run token's header.
pub const TYPE: &str = "run+jwt";

const TOKEN_USE: &str = "run";
const AUDIENCE: &str = "trigger:api";

/// What a run token says about its run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunClaims {
    /// Environment id.
    pub sub: String,
    /// Id of the run.
    pub run: String,
    /// Name of its session: external id, or friendly id where there is none.
    pub session: String,
    /// Fencing token of its lease.
    pub fence: u64,
    /// Which try of the run it is, from 1.
    pub attempt: u32,
    /// Unix seconds at which it was made.
    pub iat: u64,
    /// Unix seconds from which on it is refused.
    pub exp: u64,
}

#[derive(Serialize, Deserialize)]
struct Wire<T> {
    token_use: String,
    aud: String,
    scopes: Vec<String>,
    #[serde(flatten)]
    claims: T,
}

/// Signs a run token (R-RUN-1).
pub fn sign(claims: &RunClaims, key: &[u8]) -> String {
    let wire = Wire {
        token_use: TOKEN_USE.to_owned(),
        aud: AUDIENCE.to_owned(),
        scopes: vec!["admin".to_owned()],
        claims,
    };
    jwt::sign_as(TYPE, &wire, key)
}

/// Checks a run token (R-RUN-2); `now_s` is in Unix seconds, without tolerance for clock skew.
pub fn verify(token: &str, key: &[u8], now_s: u64) -> Result<RunClaims, TokenError> {
    let wire: Wire<RunClaims> = jwt::open_as(TYPE, token, key)?;
    if wire.token_use != TOKEN_USE {
        return Err(TokenError::WrongType);
    }
    if wire.aud != AUDIENCE {
        return Err(TokenError::WrongAudience);
    }
    if wire.claims.exp <= now_s {
        return Err(TokenError::Expired);
    }
    Ok(wire.claims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::claims::Claims;
    use proptest::prelude::*;
    use serde_json::json;

    fn claims(exp: u64) -> RunClaims {
        let (sub, run, session) = ("dev".into(), "run_1".into(), "chat/1".into());
        RunClaims { sub, run, session, fence: 7, attempt: 1, iat: 0, exp }
    }

    #[test]
    fn what_is_signed_verifies_until_it_ends() {
        let token = sign(&claims(100), b"key");
        assert_eq!(verify(&token, b"key", 99), Ok(claims(100)));
        assert_eq!(verify(&token, b"key", 100), Err(TokenError::Expired));
        assert_eq!(verify(&token, b"other", 1), Err(TokenError::BadSignature));
        assert_eq!(jwt::peek(&token).map(|seen| seen.typ), Ok(Some(TYPE.to_owned())));
    }

    #[test]
    fn kinds_are_not_taken_for_one_another() {
        let run = sign(&claims(100), b"key");
        assert_eq!(jwt::verify(&run, b"key", 1), Err(TokenError::WrongType));
        let public = Claims::public("dev", vec!["admin".to_owned()], 0, 100);
        let token = jwt::sign(&public, b"key");
        assert_eq!(verify(&token, b"key", 1), Err(TokenError::WrongType));
        // The claims of one kind under the header of the other.
        let token = jwt::sign_as(TYPE, &public, b"key");
        assert_eq!(verify(&token, b"key", 1), Err(TokenError::Malformed));
        assert_eq!(jwt::verify(&token, b"key", 1), Err(TokenError::WrongType));
        let dressed = json!({"iss": public.iss, "aud": public.aud, "sub": "dev", "pub": true,
            "scopes": ["admin"], "exp": 100, "token_use": "run", "run": "r", "session": "s",
            "fence": 1, "attempt": 1, "iat": 0});
        let token = jwt::sign_as(TYPE, &dressed, b"key");
        assert_eq!(verify(&token, b"key", 1), Err(TokenError::WrongAudience));
        let token = jwt::sign_as("s2+jwt", &claims(100), b"key");
        assert_eq!(verify(&token, b"key", 1), Err(TokenError::WrongType));
        assert_eq!(jwt::verify(&token, b"key", 1), Err(TokenError::WrongType));
    }

    proptest! {
        #[test]
        fn any_text_is_refused_without_a_panic(text in "[a-zA-Z0-9_.-]{0,40}", all: String) {
            prop_assert!(verify(&text, b"key", 1).is_err());
            prop_assert!(verify(&all, b"key", 1).is_err());
        }
    }
}
