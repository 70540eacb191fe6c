//! The `ai_sdk` backend's table.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Secret, Timeouts};

/// Keys of an agent with `backend = "ai_sdk"`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AiSdkConfig {
    /// The route, such as `http://127.0.0.1:3000/api/chat`. Its query is never shown.
    pub url: String,
    /// Headers of every request.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// Timeouts.
    #[serde(default)]
    pub timeouts: Timeouts,
}
