//! Who makes a request.

use std::sync::Arc;

use tidegate_protocol::ids::{Channel, SessionKey};
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

/// A run of an agent in another process, as its token names it (R-RUN).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunIdentity {
    /// Id of the run.
    pub run: Arc<str>,
    /// Its session.
    pub session: SessionKey,
    /// Fencing token of its lease.
    pub fence: u64,
    /// Which try of the run it is, from 1.
    pub attempt: u32,
}

impl RunIdentity {
    /// Was it handed a session? The token of a single turn was not: its records are the gateway's.
    pub fn has_lease(&self) -> bool {
        self.fence > 0
    }
}

#[derive(Clone, Debug)]
enum Credential {
    Secret,
    Run {
        identity: Arc<RunIdentity>,
        /// Unix seconds.
        expires: u64,
    },
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

    /// The holder of a run's token that ends at `expires` (Unix seconds).
    pub fn of_run(environment: Arc<str>, identity: RunIdentity, expires: u64) -> Self {
        let credential = Credential::Run { identity: Arc::new(identity), expires };
        Self { environment, credential }
    }

    /// When its rights end, Unix seconds; a secret key's do not.
    pub fn expires(&self) -> Option<u64> {
        match &self.credential {
            Credential::Secret => None,
            Credential::Run { expires, .. } | Credential::Public { expires, .. } => Some(*expires),
        }
    }

    /// The run that it is, if it is one.
    pub fn run(&self) -> Option<&RunIdentity> {
        match &self.credential {
            Credential::Run { identity, .. } => Some(identity),
            Credential::Secret | Credential::Public { .. } => None,
        }
    }

    /// Is it server code: the holder of a secret key, or a run (R-RUN-3)?
    pub fn is_secret(&self) -> bool {
        !matches!(self.credential, Credential::Public { .. })
    }

    /// May it do `action` to `resource`?
    pub fn may(&self, action: Action, resource: &Resource<'_>) -> bool {
        match &self.credential {
            Credential::Secret | Credential::Run { .. } => true,
            Credential::Public { grants, .. } => grants.allows(action, resource),
        }
    }

    /// May it do `action` to this session (any of its `ids`), or to one of its channels?
    pub fn may_session(&self, action: Action, ids: &[&str], channel: Option<&Channel>) -> bool {
        self.may(action, &Resource::Session { ids, channel })
    }

    /// Refuses everyone who is not server code.
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
