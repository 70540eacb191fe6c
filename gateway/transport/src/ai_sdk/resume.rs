//! `GET /ai/{agent}/chat/{id}/stream`: the answer that is under way, from its start.

use http::StatusCode;
use tidegate_core::access::Principal;
use tidegate_core::error::Result;
use tidegate_core::sessions::create::unknown_agent;
use tidegate_protocol::cursor::Start;
use tidegate_protocol::ids::Channel;

use super::follow::Following;
use super::respond;
use crate::body::Body;
use crate::service::app::App;
use crate::service::call::Call;
use crate::service::respond::Response;

/// The running turn's stream, or 204 where nothing runs.
pub(crate) async fn resume(call: Call<'_>, agent: &str, name: &str) -> Result<Response> {
    if let Some(following) = running(call.app, &call.principal, agent, name).await? {
        return Ok(respond::ui_message_stream(following));
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// The answer of the running turn, from its start, where one runs.
pub(super) async fn running(
    app: &App,
    principal: &Principal,
    agent: &str,
    name: &str,
) -> Result<Option<Following>> {
    let gateway = &app.gateway;
    if !gateway.knows_agent(&principal.environment, agent).await? {
        return Err(unknown_agent(agent));
    }
    // Opened before it is asked what runs: an unknown chat is refused or empty, never a race.
    let reading = gateway.open_read(principal, name, &Channel::OUT, Start::Tail).await?;
    let Some(running) = gateway.running_turn(principal, name).await? else { return Ok(None) };
    let permit = app.stream_permit()?;
    let stream = reading.follower.stream().clone();
    drop(reading);
    let store = gateway.store().clone();
    let follower = gateway.channels().follow(store, stream, running.out_start);
    let start = Some(running.out_start);
    Ok(Some(Following::new(app, agent, follower, permit, running.seq, start, None)))
}
