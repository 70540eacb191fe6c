//! Whose rights a request has: those of its session's credential, else those of the connection's
//! (R-DPX-9).

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_core::access::Principal;
use tidegate_core::error::Result;
use tidegate_protocol::limits::DUPLEX_SUBSCRIPTIONS_MAX;
use tidegate_protocol::{ApiError, ErrorCode};

/// A credential that was found valid.
#[derive(Clone, Debug)]
pub(super) struct Credential {
    pub(super) principal: Principal,
    /// As it was given: requests are counted by it.
    pub(super) text: Arc<str>,
}

/// What a connection holds.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    connection: Option<Credential>,
    sessions: HashMap<String, (Credential, u64)>,
    /// Rises with each use.
    uses: u64,
}

impl Credential {
    /// When it ends, Unix ms.
    pub(super) fn expires_at(&self) -> Option<u64> {
        self.principal.expires().map(|seconds| seconds.saturating_mul(1_000))
    }
}

impl Credentials {
    /// Sets the credential of `session`, or that of the connection. Where there are too many, the
    /// one goes that was used longest ago, unless it `is_needed`.
    pub(super) fn set(
        &mut self,
        session: Option<&str>,
        credential: Credential,
        is_needed: impl Fn(&str) -> bool,
    ) {
        let Some(session) = session else {
            self.connection = Some(credential);
            return;
        };
        self.uses += 1;
        self.sessions.insert(session.to_owned(), (credential, self.uses));
        if self.sessions.len() > DUPLEX_SUBSCRIPTIONS_MAX {
            let spare = self.sessions.iter().filter(|(name, _)| !is_needed(name));
            let oldest = spare.min_by_key(|(_, (_, used))| *used).map(|(name, _)| name.clone());
            if let Some(oldest) = oldest {
                self.sessions.remove(&oldest);
            }
        }
    }

    /// Is there none at all?
    pub(super) fn is_empty(&self) -> bool {
        self.connection.is_none() && self.sessions.is_empty()
    }

    /// When the connection's own ends, Unix ms.
    pub(super) fn expires_at(&self) -> Option<u64> {
        self.connection.as_ref().and_then(Credential::expires_at)
    }

    /// Has the session one of its own?
    pub(super) fn has_own(&self, session: &str) -> bool {
        self.sessions.contains_key(session)
    }

    /// Who asks something of `session` at `now` (Unix ms).
    pub(super) fn of(&mut self, session: &str, now: u64) -> Result<Credential> {
        self.uses += 1;
        let own = self.sessions.get_mut(session).map(|(credential, used)| {
            *used = self.uses;
            &*credential
        });
        let credential = own.or(self.connection.as_ref()).ok_or_else(|| {
            unauthenticated("there is no credential; send one in `hello` or by `auth`")
        })?;
        if credential.expires_at().is_some_and(|end| end <= now) {
            return Err(unauthenticated("the credential has expired; send a fresh one by `auth`"));
        }
        Ok(credential.clone())
    }
}

/// A credential is missing, or not good any more.
pub(super) fn unauthenticated(message: &'static str) -> ApiError {
    ApiError::new(ErrorCode::Unauthenticated, message).at("token")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(text: &str) -> Credential {
        Credential { principal: Principal::secret("dev".into()), text: text.into() }
    }

    #[test]
    fn a_sessions_own_goes_first() {
        let mut held = Credentials::default();
        assert_eq!(held.of("a", 0).expect_err("none").code, ErrorCode::Unauthenticated);
        held.set(None, credential("all"), |_| false);
        held.set(Some("a"), credential("own"), |_| false);
        assert_eq!(&*held.of("a", 0).expect("one").text, "own");
        assert_eq!(&*held.of("b", 0).expect("one").text, "all");
    }

    #[test]
    fn what_is_needed_stays() {
        let mut held = Credentials::default();
        for n in 0..=DUPLEX_SUBSCRIPTIONS_MAX {
            held.set(Some(&n.to_string()), credential("x"), |name| name == "0");
        }
        assert!(held.has_own("0") && !held.has_own("1") && held.has_own("2"));
        assert_eq!(held.sessions.len(), DUPLEX_SUBSCRIPTIONS_MAX);
    }
}
