//! Tokens of runs (R-RUN), and that a run which was cut off changes nothing.

use std::sync::Arc;

use tidegate_protocol::ids::{Channel, SessionKey, StreamId};
use tidegate_protocol::limits::RUN_TOKEN_TTL_S;
use tidegate_protocol::token::jwt::TokenError;
use tidegate_protocol::token::run::{self, RunClaims};

use super::tokens::unauthenticated;
use super::{Access, Environment, Principal, RunIdentity};
use crate::error::{self, Result};
use crate::gateway::Gateway;
use crate::seams::store::CommitError;

impl Access {
    /// The key of a run of `environment`.
    pub fn mint_run_token(&self, environment: &str, identity: &RunIdentity) -> Result<String> {
        let now = self.now_s();
        let claims = RunClaims {
            sub: environment.to_owned(),
            run: identity.run.to_string(),
            session: identity.session.name().to_owned(),
            fence: identity.fence,
            attempt: identity.attempt,
            iat: now,
            exp: now + RUN_TOKEN_TTL_S,
        };
        Ok(run::sign(&claims, self.signing_key(environment)?))
    }

    pub(super) fn verify_run(&self, environment: &Environment, token: &str) -> Result<Principal> {
        let mut failure = TokenError::BadSignature;
        for key in environment.signing_keys() {
            match run::verify(token, key, self.now_s()) {
                Ok(claims) => return Ok(principal(environment, &claims)),
                Err(TokenError::BadSignature) => {}
                Err(error) => failure = error,
            }
        }
        Err(unauthenticated(failure.to_string()))
    }
}

impl Gateway {
    /// Refuses a run that has no longer the fence of its session (R-RUN-4). Everyone else passes.
    pub async fn require_current(&self, principal: &Principal) -> Result<()> {
        let Some(run) = principal.run().filter(|run| run.has_lease()) else { return Ok(()) };
        let stream = StreamId { session: run.session.clone(), channel: Channel::OUT };
        let current = self.store().state(&stream).await.map_err(error::store)?.fence;
        if current == run.fence {
            return Ok(());
        }
        Err(error::commit(CommitError::Fenced { current }))
    }
}

fn principal(environment: &Environment, claims: &RunClaims) -> Principal {
    let identity = RunIdentity {
        run: claims.run.as_str().into(),
        session: SessionKey::new(&environment.name, &claims.session),
        fence: claims.fence,
        attempt: claims.attempt,
    };
    Principal::of_run(Arc::clone(&environment.name), identity, claims.exp)
}
