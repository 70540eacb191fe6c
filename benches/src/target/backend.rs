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
    /// Workers on the agent link, which bring their own agents.
    Link,
}
