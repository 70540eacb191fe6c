//! Who makes a request.

use std::sync::Arc;

use tidegate_protocol::ids::Channel;
use tidegate_protocol::token::scope::{Action, Grants, Resource};
use tidegate_protocol::{ApiError, ErrorCode};

use crate::error::Result;

/// An authenticated caller.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The environment that it belongs to.
    pub environment: Arc<str>,
    credential: Credential,
}

#[derive(Clone, Debug)]
enum Credential {
    Secret,
    Public {
        grants: Arc<Grants>,
        /// Unix seconds.
        expires: u64,
    },
}

impl Principal {
    /// Server code that holds a secret key.
    pub fn secret(environment: Arc<str>) -> Self {
        Self { environment, credential: Credential::Secret }
    }

    /// The holder of a public token that ends at `expires` (Unix seconds).
    pub fn public(environment: Arc<str>, grants: Grants, expires: u64) -> Self {
        let credential = Credential::Public { grants: Arc::new(grants), expires };
        Self { environment, credential }
    }

    /// When its rights end, Unix seconds; a secret key's do not.
    pub fn expires(&self) -> Option<u64> {
        match &self.credential {
            Credential::Secret => None,
            Credential::Public { expires, .. } => Some(*expires),
        }
    }

    /// Does it hold a secret key?
    pub fn is_secret(&self) -> bool {
        matches!(self.credential, Credential::Secret)
    }

    /// May it do `action` to `resource`?
    pub fn may(&self, action: Action, resource: &Resource<'_>) -> bool {
        match &self.credential {
            Credential::Secret => true,
            Credential::Public { grants, .. } => grants.allows(action, resource),
        }
    }

    /// May it do `action` to this session (any of its `ids`), or to one of its channels?
    pub fn may_session(&self, action: Action, ids: &[&str], channel: Option<&Channel>) -> bool {
        self.may(action, &Resource::Session { ids, channel })
    }

    /// Refuses everyone who does not hold a secret key.
    pub fn require_secret(&self) -> Result<()> {
        self.require(self.is_secret())
    }

    /// Refuses if not `allowed`.
    pub fn require(&self, allowed: bool) -> Result<()> {
        if allowed {
            return Ok(());
        }
        let denied = "this credential does not reach this; use a token with the right scope";
        Err(ApiError::new(ErrorCode::Unauthorized, denied).at("access_token"))
    }
}
