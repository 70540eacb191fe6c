//! `POST /ai/{agent}/chat/{id}/stop`: ends the turn that runs (I5).

use tidegate_core::error::Result;
use tidegate_core::sessions::create::unknown_agent;
use tidegate_core::streams::append::AppendRequest;
use tidegate_protocol::ids::Channel;

use super::follow::STOP;
use crate::service::call::Call;
use crate::service::respond::Response;
use crate::streams::append::acknowledge;

/// Appends the stop; the body is not looked at.
pub(crate) async fn stop(mut call: Call<'_>, agent: &str, name: &str) -> Result<Response> {
    call.small_body().await?;
    let gateway = call.gateway();
    if !gateway.knows_agent(&call.principal.environment, agent).await? {
        return Err(unknown_agent(agent));
    }
    let request = AppendRequest {
        body: STOP,
        part_id: call.header("x-part-id")?.map(str::to_owned),
        history: None,
    };
    let appended = call.append(name, Channel::IN, request).await?;
    Ok(acknowledge(appended.first))
}
