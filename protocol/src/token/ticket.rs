//! Tickets: credentials for one handshake of one socket (R-TOK-18).

use serde::{Deserialize, Serialize};

use super::jwt::{self, TokenError};

/// `typ` of its header.
pub const TYPE: &str = "ticket+jwt";

/// What a ticket says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketClaims {
    /// Environment id.
    pub sub: String,
    /// Tells it from every other one.
    pub jti: String,
    /// Fingerprint of the credential that it was asked for with: their requests count together.
    pub by: String,
    /// What its bearer may do; absent for a secret key's rights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Unix seconds at which the rights end; absent if they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// Unix seconds from which on the ticket is refused.
    pub exp: u64,
}

/// Signs it.
pub fn sign(claims: &TicketClaims, key: &[u8]) -> String {
    jwt::sign_as(TYPE, claims, key)
}

/// Checks it, but not whether it was used before; `now_s` is in Unix seconds, without tolerance for
/// clock skew.
pub fn verify(ticket: &str, key: &[u8], now_s: u64) -> Result<TicketClaims, TokenError> {
    let claims: TicketClaims = jwt::open_as(TYPE, ticket, key)?;
    if claims.exp <= now_s { Err(TokenError::Expired) } else { Ok(claims) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_verifies_until_it_ends_and_is_no_other_kind() {
        let claims = TicketClaims {
            sub: "dev".into(),
            jti: "n".into(),
            by: "f".into(),
            scopes: Some(vec!["read:sessions:c".into()]),
            until: Some(99),
            exp: 9,
        };
        let ticket = sign(&claims, b"key");
        assert_eq!(verify(&ticket, b"key", 8), Ok(claims));
        assert_eq!(verify(&ticket, b"key", 9), Err(TokenError::Expired));
        assert_eq!(verify(&ticket, b"other", 8), Err(TokenError::BadSignature));
        assert_eq!(jwt::verify(&ticket, b"key", 8), Err(TokenError::WrongType));
    }
}
