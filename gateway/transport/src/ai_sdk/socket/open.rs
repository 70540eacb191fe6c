//! The handshake, and who may make it.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::request::Parts;
use tidegate_core::error::Result;

use super::caller::Caller;
use super::drive::drive;
use crate::service::app::App;
use crate::service::auth;
use crate::service::query::Query;
use crate::service::respond::Response;
use crate::websocket::Handshake;

/// Opens the socket. Without a credential here, each frame must have one (R-AI-18).
pub(crate) async fn open(app: &Arc<App>, parts: &mut Parts, agent: String) -> Result<Response> {
    let ticket = Query::parse(parts.uri.query())?.take("ticket");
    let handshake = Handshake::of(parts, &[])?;
    let opener = if parts.headers.contains_key(AUTHORIZATION) {
        Some(Caller::of(app, auth::bearer_of(parts)?)?)
    } else if let Some(ticket) = ticket {
        Some(Caller::redeemed(app, &ticket).await?)
    } else {
        None
    };
    let served = Arc::clone(app);
    Ok(handshake.switch(app, move |io| drive(io, served, agent, opener)))
}
