//! The `demo` backend's table.

use serde::Deserialize;

/// Keys of an agent with `backend = "demo"`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DemoConfig {
    /// Pace of answers; 0 is as fast as possible.
    pub words_per_second: u32,
}

impl Default for DemoConfig {
    fn default() -> Self {
        Self { words_per_second: 20 }
    }
}
