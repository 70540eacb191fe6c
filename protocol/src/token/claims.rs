//! What a public token says.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// `iss` of every public token, whatever the gateway's own address is.
pub const ISSUER: &str = "https://id.trigger.dev";
/// `aud` of every public token, whatever the gateway's own address is.
pub const AUDIENCE: &str = "https://api.trigger.dev";

/// The claims of a public token. Keys that are not named here are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    /// [`ISSUER`].
    #[serde(default)]
    pub iss: String,
    /// [`AUDIENCE`].
    #[serde(default)]
    pub aud: String,
    /// Environment id.
    pub sub: String,
    /// `true` marks a public token.
    #[serde(rename = "pub", default)]
    pub public: bool,
    /// What it may do, see [`crate::token::scope`].
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Unix seconds at which it was made.
    #[serde(default)]
    pub iat: u64,
    /// Unix seconds from which on it is refused.
    pub exp: u64,
    /// For one use only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otu: Option<bool>,
    /// Options of realtime readers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub realtime: Option<Value>,
    /// Every other key.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Claims {
    /// The claims of a plain public token of environment `sub`. Times are in Unix seconds.
    pub fn public(sub: impl Into<String>, scopes: Vec<String>, iat: u64, exp: u64) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: sub.into(),
            public: true,
            scopes,
            iat,
            exp,
            otu: None,
            realtime: None,
            rest: Map::new(),
        }
    }
}
