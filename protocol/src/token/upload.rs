//! The credential in the address to which an agent saves a transcript (R-TSC-10).

use serde::{Deserialize, Serialize};

use super::jwt::{self, TokenError};

/// `typ` of its header.
pub const TYPE: &str = "transcript+jwt";

/// What the address says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadClaims {
    /// Environment id.
    pub sub: String,
    /// Name of the session.
    pub session: String,
    /// The fence that the session must have when the transcript arrives; absent for those who are
    /// not its run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fence: Option<u64>,
    /// Unix seconds from which on it is refused.
    pub exp: u64,
}

/// Signs it.
pub fn sign(claims: &UploadClaims, key: &[u8]) -> String {
    jwt::sign_as(TYPE, claims, key)
}

/// Checks it; `now_s` is in Unix seconds, without tolerance for clock skew.
pub fn verify(token: &str, key: &[u8], now_s: u64) -> Result<UploadClaims, TokenError> {
    let claims: UploadClaims = jwt::open_as(TYPE, token, key)?;
    if claims.exp <= now_s { Err(TokenError::Expired) } else { Ok(claims) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::s2;

    #[test]
    fn it_verifies_until_it_ends_and_is_no_other_kind() {
        let claims = UploadClaims { sub: "dev".into(), session: "c".into(), fence: None, exp: 9 };
        let token = sign(&claims, b"key");
        assert_eq!(verify(&token, b"key", 8), Ok(claims));
        assert_eq!(verify(&token, b"key", 9), Err(TokenError::Expired));
        assert_eq!(verify(&token, b"other", 8), Err(TokenError::BadSignature));
        assert_eq!(s2::verify(&token, b"key", 8), Err(TokenError::WrongType));
    }
}
