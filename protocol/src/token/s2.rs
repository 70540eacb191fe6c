//! S2 write credentials (R-S2-2).

use serde::{Deserialize, Serialize};

use super::jwt::{self, TokenError};

/// `typ` of their header.
pub const TYPE: &str = "s2+jwt";

/// What S2 write credentials say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct S2Claims {
    /// Environment id.
    pub sub: String,
    /// Name of the session.
    pub session: String,
    /// Name of the side channel; absent is the session's own `.out`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The stream, as S2 paths name it.
    pub stream: String,
    /// Who writes.
    pub writer: S2Writer,
    /// Unix seconds at which it was made.
    pub iat: u64,
    /// Unix seconds from which on it is refused.
    pub exp: u64,
}

/// Who writes with S2 credentials (I4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum S2Writer {
    /// The run of the session, with its fence.
    Run(u64),
    /// Server code, with the hand-overs that the session had.
    Guest(u64),
    /// Server code on a side channel.
    Client,
}

/// Signs credentials.
pub fn sign(claims: &S2Claims, key: &[u8]) -> String {
    jwt::sign_as(TYPE, claims, key)
}

/// Checks credentials; `now_s` is in Unix seconds, without tolerance for clock skew.
pub fn verify(token: &str, key: &[u8], now_s: u64) -> Result<S2Claims, TokenError> {
    let claims: S2Claims = jwt::open_as(TYPE, token, key)?;
    if claims.exp <= now_s { Err(TokenError::Expired) } else { Ok(claims) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{claims::Claims, run};

    #[test]
    fn they_verify_until_they_end_and_are_no_other_kind() {
        let (sub, session, stream) = ("dev".into(), "c".into(), "session_1".into());
        let writer = S2Writer::Run(7);
        let claims = S2Claims { sub, session, channel: None, stream, writer, iat: 0, exp: 100 };
        let token = sign(&claims, b"key");
        assert_eq!(verify(&token, b"key", 99), Ok(claims));
        assert_eq!(verify(&token, b"key", 100), Err(TokenError::Expired));
        assert_eq!(verify(&token, b"other", 1), Err(TokenError::BadSignature));
        assert_eq!(run::verify(&token, b"key", 1), Err(TokenError::WrongType));
        assert_eq!(jwt::verify(&token, b"key", 1), Err(TokenError::WrongType));
        let public = jwt::sign(&Claims::public("dev", vec!["admin".into()], 0, 100), b"key");
        assert_eq!(verify(&public, b"key", 1), Err(TokenError::WrongType));
    }
}
