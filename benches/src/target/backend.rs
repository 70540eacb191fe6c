//! What serves the agent of a run.

/// Id of the agent, unless another process brings its own.
pub const AGENT: &str = "bench";

/// The backend in the gateway's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Built in.
    Demo,
    /// An AI SDK route at this URL.
    AiSdk(String),
    /// Workers on the agent link, for the agent of this id.
    Link(String),
}

impl Backend {
    /// The agent's id.
    pub fn agent(&self) -> &str {
        match self {
            Self::Demo | Self::AiSdk(_) => AGENT,
            Self::Link(agent) => agent,
        }
    }
}
