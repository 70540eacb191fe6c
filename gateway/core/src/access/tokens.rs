//! Checks credentials and makes tokens.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use tidegate_protocol::limits::{CREDENTIAL_MAX_BYTES, SESSION_TOKEN_TTL_S};
use tidegate_protocol::token::claims::Claims;
use tidegate_protocol::token::scope::Grants;
use tidegate_protocol::token::{jwt, run};
use tidegate_protocol::{ApiError, ErrorCode};

use super::{Environment, Principal};
use crate::error::Result;
use crate::seams::Clock;

/// Every environment, and the clock that tokens are checked against.
#[derive(Debug)]
pub struct Access {
    environments: HashMap<Arc<str>, Environment>,
    clock: Arc<dyn Clock>,
}

impl Access {
    /// Names are unique (the configuration checks that).
    pub fn new(environments: Vec<Environment>, clock: Arc<dyn Clock>) -> Self {
        let named = environments.into_iter().map(|e| (Arc::clone(&e.name), e));
        Self { environments: named.collect(), clock }
    }

    /// Who holds `bearer`: a secret key, a public token, or a run's token.
    pub fn authenticate(&self, bearer: &str) -> Result<Principal> {
        if bearer.len() > CREDENTIAL_MAX_BYTES {
            return Err(unauthenticated("the credential is too long to be one"));
        }
        if let Some(environment) = self.environments.values().find(|e| e.has_secret(bearer)) {
            return Ok(Principal::secret(Arc::clone(&environment.name)));
        }
        self.verify(bearer)
    }

    /// Is `token` one that was good once, by what it says of itself?
    pub fn has_expired(&self, token: &str) -> bool {
        let claims = jwt::peek(token).ok();
        claims.and_then(|claims| claims.exp).is_some_and(|exp| exp <= self.now_s())
    }

    /// A token for `scopes` in `environment`, good until `expires` (Unix seconds).
    pub fn mint(
        &self,
        environment: &str,
        scopes: Vec<String>,
        expires: u64,
        one_time: Option<bool>,
        realtime: Option<Value>,
    ) -> Result<String> {
        let key = self.signing_key(environment)?;
        let mut claims = Claims::public(environment, scopes, self.now_s(), expires);
        claims.otu = one_time;
        claims.realtime = realtime;
        Ok(jwt::sign(&claims, key))
    }

    /// The token that a browser needs for one session, by the name that its URLs use.
    pub fn mint_session_token(&self, environment: &str, name: &str) -> Result<String> {
        let scopes = vec![format!("read:sessions:{name}"), format!("write:sessions:{name}")];
        self.mint(environment, scopes, self.now_s() + SESSION_TOKEN_TTL_S, None, None)
    }

    /// Names of the environments.
    pub fn environments(&self) -> Vec<Arc<str>> {
        self.environments.keys().cloned().collect()
    }

    /// Unix seconds.
    pub fn now_s(&self) -> u64 {
        self.clock.unix_millis() / 1_000
    }

    /// The environment called `name`.
    pub(super) fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments.get(name)
    }

    /// The key that signs what `environment` gives out.
    pub(super) fn signing_key(&self, environment: &str) -> Result<&[u8]> {
        let key = self.environment(environment).and_then(Environment::signing_key);
        key.ok_or_else(|| unauthenticated("the environment has no key to sign with"))
    }

    fn verify(&self, token: &str) -> Result<Principal> {
        let invalid = || unauthenticated("the credential is neither a secret key nor a token");
        let claimed = jwt::peek(token).map_err(|_| invalid())?;
        let environment = self.environments.get(claimed.sub.as_str()).ok_or_else(invalid)?;
        if claimed.typ.as_deref() == Some(run::TYPE) {
            return self.verify_run(environment, token);
        }
        let mut failure = None;
        for key in environment.verifying_keys() {
            match jwt::verify(token, key, self.now_s()) {
                Ok(claims) => {
                    // A one-time token starts a run and does nothing to sessions (trigger-client
                    // §2.3); nobody counts its uses, so its other scopes grant nothing.
                    let one_time = claims.otu == Some(true);
                    let granted = |scope: &&String| !one_time || scope.starts_with("trigger:");
                    let scopes: Vec<_> = claims.scopes.iter().filter(granted).cloned().collect();
                    let name = Arc::clone(&environment.name);
                    return Ok(Principal::public(name, Grants::new(&scopes), claims.exp));
                }
                Err(jwt::TokenError::BadSignature) if failure.is_some() => {}
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.map_or_else(invalid, |error| unauthenticated(error.to_string())))
    }
}

pub(super) fn unauthenticated(message: impl Into<std::borrow::Cow<'static, str>>) -> ApiError {
    ApiError::new(ErrorCode::Unauthenticated, message)
}
