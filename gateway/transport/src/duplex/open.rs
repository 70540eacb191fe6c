//! `/v1/connect`: the handshakes (R-DPX-1, R-DPX-4).

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Method, StatusCode};
use tidegate_core::error::Result;
use tidegate_protocol::duplex::SUBPROTOCOL;

use super::connection::Connection;
use super::{session, socket};
use crate::body::Body;
use crate::service::app::App;
use crate::service::auth;
use crate::service::respond::Response;
use crate::websocket::Handshake;
use crate::webtransport::Offer;

/// Answers the handshake of a WebSocket or of a WebTransport session; `None` if it is neither. A
/// credential may be in it, or come with `hello`.
pub(crate) fn open(app: &Arc<App>, parts: &mut Parts) -> Option<Result<Response>> {
    let offer = parts.extensions.get::<Offer>().cloned();
    match (offer, &parts.method) {
        (Some(offer), _) => Some(begin(app, parts).map(|connection| {
            let stall = app.limits.write_stall;
            offer.serve_with(move |session| session::drive(session, connection, stall));
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::OK;
            response
        })),
        (None, &Method::GET) => Some(switch(app, parts)),
        (None, _) => None,
    }
}

fn switch(app: &Arc<App>, parts: &mut Parts) -> Result<Response> {
    let connection = begin(app, parts)?;
    let handshake = Handshake::of(parts, &[SUBPROTOCOL])?;
    let stall = app.limits.write_stall;
    Ok(handshake.switch(app, move |io| socket::drive(io, connection, stall)))
}

/// Boxed: it is moved from one driver to another, each of which would hold room for it.
fn begin(app: &Arc<App>, parts: &Parts) -> Result<Box<Connection>> {
    let mut connection = Box::new(Connection::new(app));
    if parts.headers.contains_key(AUTHORIZATION) {
        connection.trust(auth::bearer_of(parts)?)?;
    }
    Ok(connection)
}
