//! S2 write credentials (R-S2-1, R-S2-2): a token that names one stream and who writes to it.

use tidegate_protocol::ids::{Channel, Direction, SessionKey, StreamId};
use tidegate_protocol::limits::S2_TOKEN_TTL_S;
use tidegate_protocol::token::jwt::{self, TokenError};
use tidegate_protocol::token::s2::{self, S2Claims, S2Writer};
use tidegate_protocol::{ApiError, ErrorCode};

use super::tokens::unauthenticated;
use super::{Access, Principal};
use crate::error::{self, Result};
use crate::gateway::Gateway;
use crate::seams::store::Writer;
use crate::streams::write::WriteGrant;

/// What `PUT …/out` gives.
#[derive(Clone, Debug)]
pub struct WriteCredentials {
    /// Bearer of the appends.
    pub token: String,
    /// The stream, as the path of the appends names it. ASCII.
    pub stream: String,
}

impl Gateway {
    /// Credentials with which `principal` writes to an `.out` channel.
    pub async fn write_credentials(
        &self,
        principal: &Principal,
        name: &str,
        channel: &Channel,
    ) -> Result<WriteCredentials> {
        principal.require_secret()?;
        if channel.direction == Direction::In {
            let message = "write credentials are for .out only; POST to …/in/append instead";
            return Err(ApiError::new(ErrorCode::MethodNotAllowed, message));
        }
        let located = self.locate(principal, name).await?;
        let row = located.existing()?;
        let run = principal.run().filter(|run| run.session == located.key && run.has_lease());
        let writer = match run {
            // Its boundary still has to follow the close.
            Some(run) => S2Writer::Run(run.fence),
            None => {
                error::open_or(row, self.now())?;
                self.foreign_writer(&located.key, channel).await?
            }
        };
        let now = self.access().now_s();
        let stream = match &channel.side {
            None => row.id.clone(),
            Some(side) => format!("{}/{side}", row.id),
        };
        let claims = S2Claims {
            sub: principal.environment.to_string(),
            session: located.key.name().to_owned(),
            channel: channel.side.as_deref().map(str::to_owned),
            stream: stream.clone(),
            writer,
            iat: now,
            exp: now + S2_TOKEN_TTL_S,
        };
        let token = s2::sign(&claims, self.access().signing_key(&principal.environment)?);
        Ok(WriteCredentials { token, stream })
    }

    /// Server code that is not the session's run: its time on `.out` ends with a hand-over (I4).
    async fn foreign_writer(&self, session: &SessionKey, channel: &Channel) -> Result<S2Writer> {
        if channel.side.is_some() {
            return Ok(S2Writer::Client);
        }
        let stream = StreamId { session: session.clone(), channel: channel.clone() };
        let state = self.store().state(&stream).await.map_err(error::store)?;
        Ok(S2Writer::Guest(state.handovers))
    }
}

impl Access {
    /// What the bearer of S2 credentials may write, if they are for `stream`.
    pub fn write_grant(&self, token: &str, stream: &str) -> Result<WriteGrant> {
        let invalid = || unauthenticated("these are no S2 write credentials; PUT …/out gives them");
        let claimed = jwt::peek(token).map_err(|_| invalid())?;
        let environment = self.environment(&claimed.sub).ok_or_else(invalid)?;
        let mut failure = TokenError::BadSignature;
        for key in environment.signing_keys() {
            match s2::verify(token, key, self.now_s()) {
                Ok(claims) if claims.stream == stream => return grant(&claims).ok_or_else(invalid),
                Ok(_) => {
                    let denied = "these write credentials are for another stream";
                    return Err(ApiError::new(ErrorCode::Unauthorized, denied).at("stream"));
                }
                Err(TokenError::BadSignature) => {}
                Err(error) => failure = error,
            }
        }
        Err(unauthenticated(failure.to_string()))
    }
}

fn grant(claims: &S2Claims) -> Option<WriteGrant> {
    let channel = match &claims.channel {
        None => Channel::OUT,
        Some(side) => Channel::side(side, Direction::Out)?,
    };
    let writer = match claims.writer {
        S2Writer::Run(fence) => Writer::Run { fence },
        S2Writer::Guest(handovers) => Writer::Guest { handovers },
        S2Writer::Client => Writer::Client,
    };
    Some(WriteGrant { session: SessionKey::new(&claims.sub, &claims.session), channel, writer })
}
