//! One request, and the answer to it.

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use serde_json::Value;

use crate::client::error::{Error, INVALID_CONFIG};

/// A request without its credential.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

/// A whole answer whose status is a success.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Ask {
    pub(crate) fn get(path: String) -> Self {
        Self { method: Method::GET, path, headers: Vec::new(), body: Bytes::new() }
    }

    pub(crate) fn head(path: String) -> Self {
        Self { method: Method::HEAD, ..Self::get(path) }
    }

    pub(crate) fn post(path: String, json: &Value) -> Self {
        Self { body: json.to_string().into(), ..Self::post_text(path, String::new()) }
    }

    pub(crate) fn post_text(path: String, body: String) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { method: Method::POST, path, headers, body: body.into() }
    }

    /// As it is sent to the gateway at `base`.
    pub(super) fn request(&self, base: &str, token: &str) -> Result<Request<Bytes>, Error> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(format!("{base}{}", self.path))
            .header("authorization", format!("Bearer {token}"));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let request = request.body(self.body.clone());
        request.map_err(|error| Error::new(INVALID_CONFIG, error.to_string(), false))
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Result<Value, Error> {
        serde_json::from_slice(&self.body).map_err(Error::invalid)
    }
}
