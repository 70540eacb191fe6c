//! `POST /ai/{agent}/chat`: one input, and the answer to it.

use std::sync::Arc;

use tidegate_core::access::Principal;
use tidegate_core::error::Result;
use tidegate_core::streams::append::AppendRequest;
use tidegate_protocol::cursor::Start;
use tidegate_protocol::ids::Channel;
use tidegate_protocol::limits::CHAT_BODY_MAX_BYTES;

use super::follow::{Following, StopOnDisconnect};
use super::request::ChatRequest;
use super::{respond, turn};
use crate::service::app::App;
use crate::service::call::Call;
use crate::service::finish::ToTheEnd;
use crate::service::respond::Response;

/// Appends the input and streams its answer.
pub(crate) async fn chat(mut call: Call<'_>, agent: &str) -> Result<Response> {
    let request = ChatRequest::parse(&call.body(CHAT_BODY_MAX_BYTES).await?)?;
    let part_id = call.header("x-part-id")?.map(str::to_owned);
    let following = begin(call.app, &call.principal, agent, request, part_id).await?;
    Ok(respond::ui_message_stream(following))
}

/// Appends the input; what answers it is read from then on.
pub(super) async fn begin(
    app: &Arc<App>,
    principal: &Principal,
    agent: &str,
    request: ChatRequest,
    part_id: Option<String>,
) -> Result<Following> {
    let permit = app.stream_permit()?;
    let (gateway, name) = (&app.gateway, request.id.as_str());
    gateway.ensure_chat(principal, agent, name).await?;
    let history = match (&request.message, request.messages.is_empty()) {
        (None, false) => gateway.reconcile(principal, name, request.messages.clone()).await?,
        // The client sent no history, but only what is new.
        _ => None,
    };
    // The read is opened first, so that nothing of the answer can be missed.
    let reading = gateway.open_read(principal, name, &Channel::OUT, Start::Tail).await?;
    let append = AppendRequest { body: request.record().into(), part_id, history };
    let stop = StopOnDisconnect { principal: principal.clone(), session: name.to_owned() };
    let appended = ToTheEnd::of({
        let (gateway, stop) = (gateway.clone(), stop.clone());
        async move { gateway.append(&stop.principal, &stop.session, &Channel::IN, append).await }
    });
    let appended = appended.await?;
    let mut follower = reading.follower;
    if appended.repeated {
        // Its answer may be in the log already.
        let stream = follower.stream().clone();
        let floor = reading.state.replay_floor;
        follower = gateway.channels().follow(gateway.store().clone(), stream, floor);
    }
    let (session, from) = (&follower.stream().session, follower.cursor());
    let start = turn::start_of(gateway, session, appended.first, from).await?;
    let found = gateway.agents().find(&principal.environment, agent);
    let stop = found.is_some_and(|agent| agent.stop_on_disconnect).then_some(stop);
    Ok(Following::new(app, agent, follower, permit, appended.first, start, stop))
}
