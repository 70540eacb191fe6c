//! One turn that runs: hooks, the hand-over of a head start, the answer, and how it ended.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};

use futures_util::FutureExt;
use tidegate_protocol::link::Handed;

use crate::agent::{Agent, Outcome};
use crate::answer::Answer;
use crate::calls::settle;
use crate::error::{AgentError, shown};
use crate::link::{Fate, Shared};
use crate::turn::Turn;

/// What the user sees of an agent that panics.
const PANICKED: &str = "The agent failed.";

/// Runs `turn`, to the end of its hooks. Drops the agent's future as soon as the worker does not
/// hold the turn.
pub(crate) async fn run(shared: Arc<Shared>, agent: Arc<Agent>, mut turn: Turn) {
    let id: Arc<str> = turn.id().into();
    let Some(fate) = shared.machine.lock().fate(&id) else { return };
    let sink = Answer::new(Arc::clone(&shared), Arc::clone(&id));
    // A panic ends only its turn.
    let answering = AssertUnwindSafe(answer(&shared, &agent, &mut turn, &sink)).catch_unwind();
    let error = tokio::select! {
        answered = answering => match answered {
            Ok(answered) => answered.err().map(|error| shown(&error)),
            Err(_) => Some(PANICKED.to_owned()),
        },
        () = shared.gone(&id) => None,
    };
    shared.machine.lock().handle_done(&id, error.clone());
    let Some(complete) = &agent.hooks.turn_complete else { return };
    shared.gone(&id).await;
    complete(turn, outcome(&fate, error)).await;
}

async fn answer(
    shared: &Shared,
    agent: &Agent,
    turn: &mut Turn,
    sink: &Answer,
) -> Result<(), AgentError> {
    if let Some(start) = agent.hooks.start.as_ref().filter(|_| turn.number() == 1) {
        start(turn.clone(), sink.clone()).await?;
    }
    if let Some(start) = &agent.hooks.turn_start {
        start(turn.clone(), sink.clone()).await?;
    }
    if !turn.has_head_start() || take_over(shared, agent, turn, sink).await? {
        (agent.handler)(turn.clone(), sink.clone()).await?;
    }
    Ok(sink.end_text().await?)
}

/// Waits for what became of a head start (R-HDS-23). Answers whether the agent is to answer.
async fn take_over(
    shared: &Shared,
    agent: &Agent,
    turn: &mut Turn,
    sink: &Answer,
) -> Result<bool, AgentError> {
    // Gone: the turn is dropped by whoever polls this.
    let Some(handover) = shared.handover(turn.id()).await else { return Ok(false) };
    let (outcome, Some(mut message)) = (handover.outcome, handover.message) else {
        return Ok(true);
    };
    if outcome == Handed::Skip {
        return Ok(true);
    }
    let settled =
        outcome != Handed::Calls || settle(&mut message, &agent.tools, turn, sink).await?;
    let goes_on = settled && outcome != Handed::Final;
    turn.take_over(message, goes_on);
    Ok(goes_on)
}

fn outcome(fate: &OnceLock<Fate>, error: Option<String>) -> Outcome {
    match (fate.get(), error) {
        (Some(Fate::Stopped), _) => Outcome::Stopped,
        (None, _) => Outcome::Lost,
        (Some(Fate::Stored), Some(error)) => Outcome::Failed(error),
        (Some(Fate::Stored), None) => Outcome::Done,
    }
}

#[cfg(test)]
mod tests;
