//! Inputs of a session that have no fate yet, as its runs see them.

use tidegate_protocol::input::{Input, Trigger, is_from_gateway, is_from_secret_key};
use tidegate_protocol::{Record, control};

/// What an input without a fate asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owed {
    /// An answer: a submit, regenerate or action. `message`: the id of its message.
    Answer {
        /// Tells a message that was injected into a running turn.
        message: Option<String>,
        /// It is a new message of the user.
        by_user: bool,
    },
    /// The end of the turn that runs.
    Stop {
        /// It came with a secret key (I3).
        secret: bool,
    },
    /// The first step of the answer, made by somebody else (R-HDS-3).
    HandOver {
        /// Id of the answer's message, if the gateway itself made the step.
        own_answer: Option<String>,
        /// It is the whole answer.
        is_final: bool,
    },
    /// Word that there will be none (R-HDS-4).
    HandOverSkip,
    /// The end of the run.
    CloseRun,
    /// The end of the session, and why.
    CloseSession(String),
    /// A run, before the first message.
    Preload,
}

impl Owed {
    /// Reads a record; `None` if nothing is owed for it.
    pub fn of(record: &Record) -> Option<Self> {
        match Input::of(record) {
            Input::Opaque => None,
            Input::Stop => Some(Self::Stop { secret: is_from_secret_key(record) }),
            Input::HandOver { is_final, message_id } => {
                let own_answer = message_id.filter(|_| is_from_gateway(record));
                Some(Self::HandOver { own_answer, is_final })
            }
            Input::HandOverSkip => Some(Self::HandOverSkip),
            Input::Message(payload) => Some(match payload.trigger {
                Trigger::Submit | Trigger::Regenerate | Trigger::Action => {
                    let id = payload.message.as_ref().and_then(|message| message["id"].as_str());
                    let by_user = payload.trigger == Trigger::Submit
                        && payload
                            .message
                            .as_ref()
                            .is_some_and(|message| message["role"] == "user");
                    Self::Answer { message: id.map(str::to_owned), by_user }
                }
                Trigger::Preload => Self::Preload,
                Trigger::Close => match record.header(control::CLOSE) {
                    Some(reason) => Self::CloseSession(reason.to_owned()),
                    None => Self::CloseRun,
                },
            }),
        }
    }

    /// Does it wait for an answer (I7)?
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Answer { .. })
    }

    /// Does it belong to a turn that somebody else began?
    pub fn is_hand_over(&self) -> bool {
        matches!(self, Self::HandOver { .. } | Self::HandOverSkip)
    }

    /// Is it meant for the turn that runs, and for no later one?
    pub fn is_of_turn(&self) -> bool {
        matches!(self, Self::Stop { .. }) || self.is_hand_over()
    }
}

/// Is it a stop, a close, or what else is not answered?
pub(in crate::runs) fn is_signal(record: &Record) -> bool {
    Owed::of(record).is_some_and(|owed| !owed.is_answer())
}
