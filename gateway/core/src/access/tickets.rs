//! Tickets: credentials for one handshake, for those who can't set headers (R-TOK-18).
//!
//! A ticket is signed, so giving one out writes nothing. What is written is that it was used: a
//! frame key that the store recognises, in one of a few streams of the environment that belong to
//! no session. So it works once in the whole fleet, and nothing is left of it but that key, for as
//! long as the store remembers it.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tidegate_protocol::ids::{Channel, Direction, SessionKey};
use tidegate_protocol::limits::TICKET_TTL_S;
use tidegate_protocol::token::jwt::{self, TokenError};
use tidegate_protocol::token::scope::Grants;
use tidegate_protocol::token::ticket::{self, TicketClaims};
use tidegate_protocol::{ApiError, ErrorCode, NewRecord};
use tracing::warn;

use super::tokens::unauthenticated;
use super::{Access, Principal};
use crate::error::{self, Result};
use crate::gateway::Gateway;
use crate::seams::store::{Append, Commit, Floor, Op, Writer};

/// Streams over which used tickets are spread: each recognises `FRAME_KEYS_MAX` of them.
const STREAMS: u8 = 64;
/// After this many used tickets the records of the ones before are let go.
const TRIMMED_EACH: u64 = 64;

impl Gateway {
    /// A ticket with the rights of `principal`, whose credential is `bearer`, and when it ends, in
    /// Unix ms. Server code may give it `scopes` instead of its own rights.
    pub fn ticket(
        &self,
        principal: &Principal,
        bearer: &str,
        scopes: Option<Vec<String>>,
    ) -> Result<(String, u64)> {
        // A run's token is for its session, and no browser has one.
        principal.require(principal.run().is_none())?;
        let access = self.access();
        let scopes = if principal.is_secret() {
            scopes
        } else if scopes.is_some() {
            let message = "only a secret key can give a ticket other scopes than its own";
            return Err(ApiError::new(ErrorCode::ScopesExceedKey, message).at("scopes"));
        } else {
            Some(access.scopes_of(principal, bearer)?)
        };
        let exp = access.now_s() + TICKET_TTL_S;
        let claims = TicketClaims {
            sub: principal.environment.to_string(),
            jti: format!("{:032x}", self.entropy()),
            by: fingerprint(bearer),
            scopes,
            until: principal.expires(),
            exp,
        };
        let ticket = ticket::sign(&claims, access.signing_key(&principal.environment)?);
        Ok((ticket, exp * 1_000))
    }

    /// Who holds `ticket`, which is used up by this, and the [`fingerprint`] of the credential that
    /// it was asked for with.
    pub async fn redeem(&self, ticket: &str) -> Result<(Principal, String)> {
        let claims = self.access().open_ticket(ticket)?;
        let environment: Arc<str> = claims.sub.as_str().into();
        if !self.use_up(&environment, claims.jti).await? {
            return Err(unauthenticated("the ticket was used already; POST /v1/tickets gives one"));
        }
        let principal = match claims.scopes {
            None => Principal::secret(environment),
            Some(scopes) => {
                // Without an end of its own, what a secret key granted holds for the socket.
                let until = claims.until.unwrap_or(u64::MAX);
                Principal::public(environment, Grants::new(&scopes), until)
            }
        };
        Ok((principal, claims.by))
    }

    /// Is this the first use of the ticket called `id`?
    async fn use_up(&self, environment: &str, id: String) -> Result<bool> {
        let stream = id.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        // No session is called so: ids of sessions have another form, and external ids no prefix.
        let session =
            SessionKey::new(environment, &format!("session_tickets_{}", stream % STREAMS));
        let channel = Channel::side("tickets", Direction::In).expect("a valid name");
        let append = Append {
            channel: channel.clone(),
            writer: Writer::Client,
            frame_key: Some(id),
            records: vec![NewRecord { headers: Vec::new(), body: Bytes::from_static(b"{}") }],
            owed: false,
        };
        let commit = Commit { session: session.clone(), ops: vec![Op::Append(append)] };
        let committed = self.store().commit(commit).await.map_err(error::commit)?;
        let appended = committed.appends.first().expect("one append, one answer");
        if !appended.repeated && appended.first % TRIMMED_EACH == TRIMMED_EACH - 1 {
            let before = appended.first;
            let trim = Op::Trim { channel, floor: Floor::Retention, before };
            let commit = Commit { session, ops: vec![trim] };
            // The ticket is used by now, so its bearer can't come again; a later trim does it all.
            if let Err(error) = self.store().commit(commit).await {
                warn!(%error, "used tickets could not be trimmed");
            }
        }
        Ok(!appended.repeated)
    }
}

/// What stands for a credential where it must not be said itself.
pub fn fingerprint(credential: &str) -> String {
    let digest = Sha256::digest(credential);
    let half = digest[..16].try_into().expect("a digest has 32 bytes");
    format!("{:032x}", u128::from_be_bytes(half))
}

impl Access {
    fn open_ticket(&self, ticket: &str) -> Result<TicketClaims> {
        let invalid = || unauthenticated("this is no ticket; POST /v1/tickets gives one");
        let claimed = jwt::peek(ticket).map_err(|_| invalid())?;
        let environment = self.environment(&claimed.sub).ok_or_else(invalid)?;
        let mut failure = TokenError::BadSignature;
        for key in environment.signing_keys() {
            match ticket::verify(ticket, key, self.now_s()) {
                Ok(claims) => return Ok(claims),
                Err(TokenError::BadSignature) => {}
                Err(error) => failure = error,
            }
        }
        Err(unauthenticated(failure.to_string()))
    }

    /// The scopes of the public token `bearer`, which was found valid.
    fn scopes_of(&self, principal: &Principal, bearer: &str) -> Result<Vec<String>> {
        let invalid = || unauthenticated("the credential is not valid any more");
        let environment = self.environment(&principal.environment).ok_or_else(invalid)?;
        let mut keys = environment.verifying_keys();
        let claims = keys.find_map(|key| jwt::verify(bearer, key, self.now_s()).ok());
        let claims = claims.ok_or_else(invalid)?;
        // What a one-time token starts is no socket.
        if claims.otu == Some(true) { Ok(Vec::new()) } else { Ok(claims.scopes) }
    }
}
