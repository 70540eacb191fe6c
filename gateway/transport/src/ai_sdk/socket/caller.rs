//! Who sends a frame.

use std::sync::Arc;

use serde_json::{Map, Value};
use tidegate_core::access::{Principal, fingerprint};
use tidegate_core::error::Result;
use tidegate_protocol::{ApiError, ErrorCode};

use crate::service::app::App;
use crate::service::{auth, rate};

/// Somebody with a valid credential.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) principal: Principal,
    /// What the rate limit counts by: the credential's fingerprint.
    bucket: Arc<str>,
}

impl Caller {
    /// The bearer of a key or token.
    pub(super) fn of(app: &App, credential: &str) -> Result<Self> {
        let principal = app.gateway.access().authenticate(credential)?;
        Ok(Self { principal, bucket: fingerprint(credential).into() })
    }

    /// The bearer of a ticket, which is used up.
    pub(super) async fn redeemed(app: &App, ticket: &str) -> Result<Self> {
        let (principal, by) = app.gateway.redeem(ticket).await?;
        Ok(Self { principal, bucket: by.into() })
    }

    /// Who sends a frame with these headers: the bearer of what they hold, else whoever opened the
    /// socket.
    pub(super) fn of_frame(
        app: &App,
        headers: &Map<String, Value>,
        opener: Option<&Self>,
    ) -> Result<Self> {
        let named = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        if let Some((_, header)) = named {
            let credential = header.as_str().and_then(auth::bearer);
            let credential = credential.ok_or_else(|| missing("authorization must be Bearer"))?;
            return Self::of(app, credential);
        }
        let none = "no credential: neither the handshake nor the frame's headers have one";
        let opener = opener.ok_or_else(|| missing(none))?;
        if opener.principal.expires().is_some_and(|end| end <= app.gateway.access().now_s()) {
            return Err(missing("the credential of the handshake has expired"));
        }
        Ok(opener.clone())
    }

    /// Takes a request from the rate limit.
    pub(super) fn count(&self, app: &App) -> Result<()> {
        rate::admit(app.rates.take_of(&self.bucket, app.gateway.now()).as_ref())
    }
}

fn missing(message: &'static str) -> ApiError {
    ApiError::new(ErrorCode::Unauthenticated, message)
}
