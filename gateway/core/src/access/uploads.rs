//! Addresses to which agents with a loop of their own save transcripts (R-TSC-10).

use tidegate_protocol::ids::SessionKey;
use tidegate_protocol::token::jwt::{self, TokenError};
use tidegate_protocol::token::upload::{self, UploadClaims};
use tidegate_protocol::{ApiError, ErrorCode};

use super::tokens::unauthenticated;
use super::{Access, Principal};
use crate::error::Result;
use crate::gateway::Gateway;

/// The right to save the transcript of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadGrant {
    /// The session.
    pub session: SessionKey,
    /// The fence that it must still have.
    pub fence: Option<u64>,
}

impl Gateway {
    /// The credential for `ttl_s` seconds, and the session's name. Needs a secret key or a run.
    pub async fn upload_token(
        &self,
        principal: &Principal,
        name: &str,
        ttl_s: u64,
    ) -> Result<(String, String)> {
        principal.require_secret()?;
        let located = self.locate(principal, name).await?;
        located.existing()?;
        let run = principal.run().filter(|run| run.session == located.key);
        let name = located.key.name().to_owned();
        let claims = UploadClaims {
            sub: principal.environment.to_string(),
            session: name.clone(),
            fence: run.map(|run| run.fence),
            exp: self.access().now_s() + ttl_s,
        };
        let key = self.access().signing_key(&principal.environment)?;
        Ok((upload::sign(&claims, key), name))
    }
}

impl Access {
    /// What the credential lets its bearer save, if it is for the session called `name`.
    pub fn upload_grant(&self, token: &str, name: &str) -> Result<UploadGrant> {
        let invalid = || unauthenticated("this address is not valid; PUT …/snapshot-url gives one");
        let claimed = jwt::peek(token).map_err(|_| invalid())?;
        let environment = self.environment(&claimed.sub).ok_or_else(invalid)?;
        let mut failure = TokenError::BadSignature;
        for key in environment.signing_keys() {
            match upload::verify(token, key, self.now_s()) {
                Ok(claims) if claims.session == name => {
                    let session = SessionKey::new(&claims.sub, &claims.session);
                    return Ok(UploadGrant { session, fence: claims.fence });
                }
                Ok(_) => {
                    let denied = "this address is for another session";
                    return Err(ApiError::new(ErrorCode::Unauthorized, denied).at("token"));
                }
                Err(TokenError::BadSignature) => {}
                Err(error) => failure = error,
            }
        }
        Err(unauthenticated(failure.to_string()))
    }
}
