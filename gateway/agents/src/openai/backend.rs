//! The backend.

use std::sync::Arc;

use http::header;
use tidegate_core::seams::AgentBackend;
use tidegate_core::seams::backend::{Abilities, AnswerStream, TurnRequest};

use super::request::Template;
use super::stream::Completion;
use crate::config::{ConfigError, OpenAiConfig};
use crate::headers::Headers;
use crate::upstream::{Client, Endpoint, relay};

/// Calls `…/chat/completions`.
#[derive(Debug)]
pub(crate) struct OpenAi {
    client: Arc<Client>,
    template: Template,
}

impl OpenAi {
    /// For agent `id`.
    pub(crate) fn new(id: &str, config: OpenAiConfig) -> Result<Self, ConfigError> {
        config.timeouts.check(id)?;
        let url_error = |reason| ConfigError::value(id, "url", reason);
        let endpoint = Endpoint::parse(&config.url, "/chat/completions").map_err(url_error)?;
        let mut headers = Headers::for_events();
        if let Some(key) = &config.api_key {
            let refuse = |reason: String| ConfigError::value(id, "api_key", reason);
            let value = format!("Bearer {}", key.resolve().map_err(refuse)?);
            headers.set(id, "api_key", header::AUTHORIZATION, value)?;
        }
        headers.set_all(id, &config.headers)?;
        let name = format!("agent \"{id}\" (openai)");
        let client = Client::new(&name, endpoint, headers.map, &headers.secrets, config.timeouts)
            .map_err(url_error)?;
        Ok(Self { client, template: Template::new(config) })
    }
}

impl AgentBackend for OpenAi {
    fn answer(&self, request: TurnRequest) -> AnswerStream {
        let body = self.template.body(&request.messages, &request.tools);
        relay(self.client.clone(), body, Completion::new(request.answer_id, request.turn))
    }

    fn warm_up(&self) {
        self.client.warm_up();
    }

    fn abilities(&self) -> Abilities {
        Abilities { actions: false, steering: false }
    }
}
