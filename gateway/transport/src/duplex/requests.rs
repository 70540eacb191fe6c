//! What requests do, beside the connection: each ends in one answer, whatever becomes of the
//! connection.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use tidegate_core::error::Result;
use tidegate_core::streams::append::AppendRequest;
use tidegate_core::streams::read::Reading;
use tidegate_protocol::ids::Channel;
use tidegate_protocol::limits::APPEND_BODY_MAX_BYTES;
use tidegate_protocol::{ApiError, ErrorCode};

use super::credentials::Credential;
use super::order::Turn;
use super::subscription::Wanted;
use crate::metrics::StreamPermit;
use crate::service::app::App;
use crate::service::finish::ToTheEnd;
use crate::service::route::valid_name;

/// A request under way.
pub(super) struct Request {
    /// Does it open a subscription?
    pub(super) opens: bool,
    pub(super) done: Pin<Box<dyn Future<Output = Done> + Send>>,
}

/// A request that is over.
pub(super) struct Done {
    pub(super) id: u64,
    pub(super) outcome: Result<Outcome>,
    /// The session to which it appended.
    pub(super) appended_to: Option<String>,
}

/// What came of it.
pub(super) enum Outcome {
    /// A credential may be set. Subscriptions that it does not reach end.
    Authorized { session: Option<String>, credential: Credential, unreachable: Vec<u64> },
    /// A stream can be followed.
    Opened(Box<Opened>),
    /// A record is durable.
    Appended { seq: u64, pending_version: bool },
}

/// A stream that can be followed.
pub(super) struct Opened {
    pub(super) wanted: Wanted,
    pub(super) reading: Reading,
    pub(super) settled: Option<bool>,
    pub(super) expires_at: Option<u64>,
    pub(super) permit: StreamPermit,
}

/// What is appended, and where.
pub(super) struct Appending {
    pub(super) id: u64,
    pub(super) session: String,
    pub(super) channel: Channel,
    pub(super) part: Option<String>,
    pub(super) body: String,
}

/// Checks whether `credential` reaches the `open` subscriptions that it is for.
pub(super) fn authorize(
    app: &Arc<App>,
    id: u64,
    session: Option<String>,
    credential: Credential,
    open: Vec<(u64, String, Channel)>,
) -> Request {
    let gateway = app.gateway.clone();
    let done = Box::pin(async move {
        let mut unreachable = Vec::new();
        for (subscription, name, channel) in open {
            let readable = gateway.require_readable(&credential.principal, &name, &channel).await;
            // One whose session can't be looked up right now will see for itself.
            if readable.is_err_and(|error| error.code == ErrorCode::Unauthorized) {
                unreachable.push(subscription);
            }
        }
        let outcome = Ok(Outcome::Authorized { session, credential, unreachable });
        Done { id, outcome, appended_to: None }
    });
    Request { opens: false, done }
}

/// Opens a stream.
pub(super) fn open(app: &Arc<App>, wanted: Wanted, credential: Credential, peek: bool) -> Request {
    let app = Arc::clone(app);
    let done = Box::pin(async move {
        let id = wanted.id;
        let outcome = open_stream(&app, wanted, &credential, peek).await;
        Done { id, outcome: outcome.map(Outcome::Opened), appended_to: None }
    });
    Request { opens: true, done }
}

async fn open_stream(
    app: &App,
    wanted: Wanted,
    credential: &Credential,
    peek: bool,
) -> Result<Box<Opened>> {
    valid_name(&wanted.session)?;
    let permit = app.stream_permit()?;
    let (principal, channel) = (&credential.principal, &wanted.channel);
    let reading = app.gateway.open_read(principal, &wanted.session, channel, wanted.start).await?;
    let settled = match peek && *channel == Channel::OUT {
        true => {
            let stream = reading.follower.stream().clone();
            Some(app.gateway.is_settled(&stream, &reading.state).await?)
        }
        false => None,
    };
    let expires_at = credential.expires_at();
    Ok(Box::new(Opened { wanted, reading, settled, expires_at, permit }))
}

/// Appends when its `turn` has come, to the end even if the connection goes away meanwhile.
pub(super) fn append(
    app: &Arc<App>,
    appending: Appending,
    credential: Credential,
    mut turn: Turn,
) -> Request {
    let app = Arc::clone(app);
    let done = Box::pin(ToTheEnd::of(async move {
        turn.come().await;
        let (id, session) = (appending.id, appending.session.clone());
        let outcome = append_record(&app, appending, &credential).await;
        Done { id, outcome, appended_to: Some(session) }
    }));
    Request { opens: false, done }
}

async fn append_record(
    app: &App,
    appending: Appending,
    credential: &Credential,
) -> Result<Outcome> {
    let (gateway, principal) = (&app.gateway, &credential.principal);
    let Appending { session, channel, part, body, .. } = appending;
    let name = valid_name(&session)?;
    gateway.require_current(principal).await?;
    if body.len() > APPEND_BODY_MAX_BYTES {
        let message = format!("the body is over the limit of {APPEND_BODY_MAX_BYTES} bytes");
        return Err(ApiError::new(ErrorCode::BodyTooLarge, message).at("body"));
    }
    let request = AppendRequest { body: Bytes::from(body), part_id: part, history: None };
    let appended = gateway.append(principal, name, &channel, request).await?;
    let pending_version = channel == Channel::IN && {
        let row = gateway.locate(principal, name).await?.row;
        row.is_some_and(|row| gateway.is_version_pending(&row))
    };
    Ok(Outcome::Appended { seq: appended.first, pending_version })
}
