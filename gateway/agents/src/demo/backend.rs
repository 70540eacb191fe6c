//! From a request to the script of its answer.

use std::time::Duration;

use futures_util::stream;
use tidegate_core::seams::AgentBackend;
use tidegate_core::seams::backend::{Abilities, AnswerStream, TurnRequest};
use tidegate_protocol::input::Trigger;

use super::command::Command;
use super::player::Player;
use super::script::Script;
use super::{action, continuation};
use crate::config::DemoConfig;
use crate::history;

/// Answers the same request with the same chunks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demo {
    pace: Duration,
}

impl Demo {
    /// Words come at the configured pace.
    pub(crate) fn new(config: &DemoConfig) -> Self {
        let pace = match config.words_per_second {
            0 => Duration::ZERO,
            rate => Duration::from_secs(1) / rate,
        };
        Self { pace }
    }

    fn script(&self, request: &TurnRequest) -> Script {
        let mut script = Script::new(self.pace);
        match request.trigger {
            Trigger::Action => action::write(&mut script, request),
            Trigger::Close | Trigger::Preload => {}
            Trigger::Submit | Trigger::Regenerate if request.continues => {
                continuation::write(&mut script, request);
            }
            Trigger::Submit | Trigger::Regenerate => {
                let text = history::last_user_text(&request.messages);
                Command::parse(&text).write(&mut script, request);
            }
        }
        script
    }
}

impl AgentBackend for Demo {
    fn answer(&self, request: TurnRequest) -> AnswerStream {
        let player = Player::new(request.agent.clone(), self.script(&request));
        Box::pin(stream::unfold(player, |mut player| async move {
            player.next().await.map(|item| (item, player))
        }))
    }

    fn abilities(&self) -> Abilities {
        Abilities { actions: true, steering: false }
    }
}
