//! Request headers from an agent's table.

use std::collections::BTreeMap;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::config::{ConfigError, Secret};

/// Headers of every request, and which of their values must never be shown.
#[derive(Default)]
pub(crate) struct Headers {
    pub(crate) map: HeaderMap,
    pub(crate) secrets: Vec<String>,
}

impl Headers {
    /// JSON goes out, events come back.
    pub(crate) fn for_events() -> Self {
        let mut headers = Self::default();
        let fixed = [
            (header::CONTENT_TYPE, "application/json"),
            (header::ACCEPT, "text/event-stream"),
            (header::USER_AGENT, concat!("tidegate/", env!("CARGO_PKG_VERSION"))),
        ];
        for (name, value) in fixed {
            headers.map.insert(name, HeaderValue::from_static(value));
        }
        headers
    }

    /// Sets a header to a secret value, the config's `key`.
    pub(crate) fn set(
        &mut self,
        agent: &str,
        key: &str,
        name: HeaderName,
        value: String,
    ) -> Result<(), ConfigError> {
        let refuse = |reason| ConfigError::value(agent, key, reason);
        if FRAMING.contains(&name) {
            return Err(refuse("is set by the gateway"));
        }
        let mut header: HeaderValue =
            value.parse().map_err(|_| refuse("has a character that no header may have"))?;
        header.set_sensitive(true);
        self.map.insert(name, header);
        self.secrets.push(value);
        Ok(())
    }

    /// Sets every header of a `headers` table.
    pub(crate) fn set_all(
        &mut self,
        agent: &str,
        table: &BTreeMap<String, Secret>,
    ) -> Result<(), ConfigError> {
        for (name, secret) in table {
            let key = format!("headers.{name}");
            let refuse = |reason: String| ConfigError::value(agent, &key, reason);
            let value = secret.resolve().map_err(refuse)?;
            let name = name.parse().map_err(|_| refuse("is no header name".to_owned()))?;
            self.set(agent, &key, name, value)?;
        }
        Ok(())
    }
}

/// Headers that say how the message is framed on this connection.
const FRAMING: [HeaderName; 4] =
    [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::UPGRADE];
