//! `/v1/connect`: the handshake (R-DPX-1, R-DPX-4).

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::request::Parts;
use tidegate_core::error::Result;
use tidegate_protocol::duplex::SUBPROTOCOL;

use super::connection::Connection;
use super::socket::drive;
use crate::service::app::App;
use crate::service::auth;
use crate::service::respond::Response;
use crate::websocket::Handshake;

/// Answers the handshake of a WebSocket. A credential may be in it, or come with `hello`.
pub(crate) fn open(app: &Arc<App>, parts: &mut Parts) -> Result<Response> {
    let mut connection = Connection::new(app);
    if parts.headers.contains_key(AUTHORIZATION) {
        connection.trust(auth::bearer_of(parts)?)?;
    }
    let handshake = Handshake::of(parts, &[SUBPROTOCOL])?;
    Ok(handshake.switch(app, move |io| drive(io, connection)))
}
