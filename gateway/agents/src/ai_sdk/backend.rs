//! The backend.

use std::sync::Arc;

use tidegate_core::seams::AgentBackend;
use tidegate_core::seams::backend::{Abilities, AnswerStream, TurnRequest};

use super::request;
use super::translate::UiMessageStream;
use crate::config::{AiSdkConfig, ConfigError};
use crate::headers::Headers;
use crate::upstream::{Client, Endpoint, relay};

/// Posts what `DefaultChatTransport` posts; in the step of a head start also `tools`, what the
/// model may call and the route must not execute: `[{name, description?, parameters}]`.
#[derive(Debug)]
pub(crate) struct AiSdk {
    client: Arc<Client>,
}

impl AiSdk {
    /// For agent `id`.
    pub(crate) fn new(id: &str, config: &AiSdkConfig) -> Result<Self, ConfigError> {
        config.timeouts.check(id)?;
        let url_error = |reason| ConfigError::value(id, "url", reason);
        let endpoint = Endpoint::parse(&config.url, "").map_err(url_error)?;
        let mut headers = Headers::for_events();
        headers.set_all(id, &config.headers)?;
        let name = format!("agent \"{id}\" (ai_sdk)");
        let client = Client::new(&name, endpoint, headers.map, &headers.secrets, config.timeouts)
            .map_err(url_error)?;
        Ok(Self { client })
    }
}

impl AgentBackend for AiSdk {
    fn answer(&self, request: TurnRequest) -> AnswerStream {
        relay(self.client.clone(), request::body(&request), UiMessageStream)
    }

    fn warm_up(&self) {
        self.client.warm_up();
    }

    fn abilities(&self) -> Abilities {
        Abilities { actions: true, steering: false }
    }
}
