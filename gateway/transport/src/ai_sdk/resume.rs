//! `GET /ai/{agent}/chat/{id}/stream`: the answer that is under way, from its start.

use http::StatusCode;
use tidegate_core::error::Result;
use tidegate_core::sessions::create::unknown_agent;
use tidegate_protocol::cursor::Start;
use tidegate_protocol::ids::Channel;

use super::answer::Answer;
use super::respond;
use crate::body::Body;
use crate::service::call::Call;
use crate::service::respond::Response;

/// The running turn's stream, or 204 where nothing runs.
pub(crate) async fn resume(call: Call<'_>, agent: &str, name: &str) -> Result<Response> {
    let gateway = call.gateway();
    if !gateway.knows_agent(&call.principal.environment, agent).await? {
        return Err(unknown_agent(agent));
    }
    // Opened before it is asked what runs: an unknown chat is refused or empty, never a race.
    let channel = Channel::OUT;
    let reading = gateway.open_read(&call.principal, name, &channel, Start::Tail).await?;
    let Some(running) = gateway.running_turn(&call.principal, name).await? else {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        return Ok(response);
    };
    let permit = call.stream_permit()?;
    let stream = reading.follower.stream().clone();
    drop(reading);
    let store = gateway.store().clone();
    let follower = gateway.channels().follow(store, stream, running.out_start);
    let start = Some(running.out_start);
    let answer = Answer::new(gateway.clone(), follower, permit, running.seq, start, None);
    Ok(respond::ui_message_stream(answer))
}
