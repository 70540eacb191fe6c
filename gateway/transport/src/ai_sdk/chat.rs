//! `POST /ai/{agent}/chat`: one input, and the answer to it.

use tidegate_core::error::Result;
use tidegate_core::streams::append::AppendRequest;
use tidegate_protocol::cursor::Start;
use tidegate_protocol::ids::Channel;
use tidegate_protocol::limits::CHAT_BODY_MAX_BYTES;

use super::answer::{Answer, StopOnDisconnect};
use super::request::ChatRequest;
use super::{respond, turn};
use crate::service::call::Call;
use crate::service::respond::Response;

/// Appends the input and streams its answer.
pub(crate) async fn chat(mut call: Call<'_>, agent: &str) -> Result<Response> {
    let request = ChatRequest::parse(&call.body(CHAT_BODY_MAX_BYTES).await?)?;
    let permit = call.stream_permit()?;
    let (gateway, principal, name) = (call.gateway(), &call.principal, request.id.as_str());
    gateway.ensure_chat(principal, agent, name).await?;
    let history = match (&request.message, request.messages.is_empty()) {
        (None, false) => gateway.reconcile(principal, name, request.messages.clone()).await?,
        // The client sent no history, but only what is new.
        _ => None,
    };
    // The read is opened first, so that nothing of the answer can be missed.
    let reading = gateway.open_read(principal, name, &Channel::OUT, Start::Tail).await?;
    let append = AppendRequest {
        body: request.record().into(),
        part_id: call.header("x-part-id")?.map(str::to_owned),
        history,
    };
    let appended = call.append(name, Channel::IN, append).await?;
    let session = &reading.follower.stream().session;
    let from = reading.follower.cursor();
    let start = turn::start_of(gateway, session, appended.first, from).await?;
    let stops = gateway
        .agents()
        .find(&call.principal.environment, agent)
        .is_some_and(|agent| agent.stop_on_disconnect);
    let stop =
        stops.then(|| StopOnDisconnect { principal: principal.clone(), session: name.to_owned() });
    let answer =
        Answer::new(gateway.clone(), reading.follower, permit, appended.first, start, stop);
    Ok(respond::ui_message_stream(answer))
}
