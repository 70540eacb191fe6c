//! `GET /v1/agents/link`: what is refused, and the switch to WebSocket (R-LNK-1).

use tidegate_core::error::Result;
use tidegate_protocol::link::SUBPROTOCOL;

use super::drive::drive;
use crate::service::call::Call;
use crate::service::respond::Response;
use crate::websocket::Handshake;

/// Answers the handshake; the link lives on in a task of the connection.
pub(crate) fn open(mut call: Call<'_>) -> Result<Response> {
    let link = call.gateway().open_link(&call.principal)?;
    let handshake = Handshake::of(&mut call.parts, &[SUBPROTOCOL])?;
    let entropy = call.gateway().entropy();
    let (count, drain) = (call.app.metrics.open_link(), call.app.drain.watch());
    Ok(handshake.switch(call.app, move |io| async move {
        drive(io, link, drain, entropy).await;
        drop(count);
    }))
}
