//! What requests do, beside the connection: each ends in one answer, whatever becomes of the
//! connection.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use tidegate_core::error::Result;
use tidegate_core::streams::append::AppendRequest;
use tidegate_core::streams::read::{Reading, TokenFor};
use tidegate_protocol::ErrorCode;
use tidegate_protocol::ids::{Channel, StreamId};

use super::credentials::Credential;
use super::order::Turn;
use super::subscription::Wanted;
use crate::metrics::StreamPermit;
use crate::service::app::App;
use crate::service::finish::ToTheEnd;

/// A request under way.
pub(super) struct Request {
    /// Does it open a subscription?
    pub(super) opens: bool,
    /// What it holds, in bytes.
    pub(super) bytes: usize,
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
    /// A credential was set: until when, in Unix ms, and who may go on with it.
    Authorized { expires_at: Option<u64>, looked_at: Vec<LookedAt> },
    /// A stream can be followed.
    Opened(Box<Opened>),
    /// A record is durable.
    Appended { seq: u64, pending_version: bool },
}

/// A subscription that a new credential is for.
pub(super) struct Reached {
    pub(super) id: u64,
    /// The request that opened it: its id may name another one later.
    pub(super) opened_by: u64,
    /// The session as the client calls it.
    pub(super) session: String,
    pub(super) stream: StreamId,
}

/// What the new credential may do with it.
pub(super) struct LookedAt {
    pub(super) id: u64,
    pub(super) opened_by: u64,
    /// What its boundaries get from now on; `None` if it can't go on.
    pub(super) goes_on: Option<Option<TokenFor>>,
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

/// Looks whether the `open` subscriptions that `credential` is for may go on with it.
pub(super) fn authorize(
    app: &Arc<App>,
    id: u64,
    credential: Credential,
    open: Vec<Reached>,
) -> Request {
    let gateway = app.gateway.clone();
    let done = Box::pin(async move {
        let mut looked_at = Vec::with_capacity(open.len());
        for Reached { id, opened_by, session, stream } in open {
            match gateway.go_on_reading(&credential.principal, &session, &stream).await {
                Ok(token) => looked_at.push(LookedAt { id, opened_by, goes_on: Some(token) }),
                Err(error) if error.code == ErrorCode::Unauthorized => {
                    looked_at.push(LookedAt { id, opened_by, goes_on: None });
                }
                // One whose session can't be looked up right now keeps what it has.
                Err(_) => {}
            }
        }
        let outcome = Ok(Outcome::Authorized { expires_at: credential.expires_at(), looked_at });
        Done { id, outcome, appended_to: None }
    });
    Request { opens: false, bytes: 0, done }
}

/// Opens a stream.
pub(super) fn open(app: &Arc<App>, wanted: Wanted, credential: Credential, peek: bool) -> Request {
    let app = Arc::clone(app);
    let done = Box::pin(async move {
        let id = wanted.id;
        let outcome = open_stream(&app, wanted, &credential, peek).await;
        Done { id, outcome: outcome.map(Outcome::Opened), appended_to: None }
    });
    Request { opens: true, bytes: 0, done }
}

async fn open_stream(
    app: &App,
    wanted: Wanted,
    credential: &Credential,
    peek: bool,
) -> Result<Box<Opened>> {
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
    let (app, bytes) = (Arc::clone(app), appending.body.len());
    let done = Box::pin(ToTheEnd::of(async move {
        turn.come().await;
        let (id, session) = (appending.id, appending.session.clone());
        let outcome = append_record(&app, appending, &credential).await;
        Done { id, outcome, appended_to: Some(session) }
    }));
    Request { opens: false, bytes, done }
}

async fn append_record(
    app: &App,
    appending: Appending,
    credential: &Credential,
) -> Result<Outcome> {
    let (gateway, principal) = (&app.gateway, &credential.principal);
    let Appending { session, channel, part, body, .. } = appending;
    gateway.require_current(principal).await?;
    let request = AppendRequest { body: Bytes::from(body), part_id: part, history: None };
    let appended = gateway.append(principal, &session, &channel, request).await?;
    let pending_version = channel == Channel::IN && {
        let row = gateway.locate(principal, &session).await?.row;
        row.is_some_and(|row| gateway.is_version_pending(&row))
    };
    Ok(Outcome::Appended { seq: appended.first, pending_version })
}
