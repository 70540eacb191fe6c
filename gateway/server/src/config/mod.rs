//! The configuration: a TOML file, overridden key by key from the environment.

pub mod explain;
mod head_start;
pub mod keys;
mod kind;
pub mod load;
mod model;
mod overrides;
mod problem;
mod read;
mod secret;
mod section;
mod suggest;
pub mod units;

pub use load::{Source, load};
pub use model::{
    AgentConfig, BackendConfig, Config, Drain, EnvironmentConfig, HeadStartConfig, LINK, Limits,
    LogConfig, LogFormat, RateLimit, ServerConfig, TlsFiles,
};
pub use problem::{ConfigError, Problem};
pub use secret::Secret;
