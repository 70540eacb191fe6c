//! One request, and the answer to it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::connector::Connector;
use crate::client::error::Error;
use crate::net::Target;

/// How long an answer may take to begin, and to end where it is read whole.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest answer that is read whole.
const ANSWER_MAX_BYTES: usize = 64 * 1024 * 1024;

/// An HTTP client of one gateway: connections are kept; one is enough where it is HTTP/2.
#[derive(Clone)]
pub(crate) struct Http {
    client: legacy::Client<Connector, Full<Bytes>>,
    base: String,
}

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
    body: Bytes,
}

impl Http {
    pub(crate) fn new(target: Arc<Target>, tls: Option<TlsConnector>) -> Self {
        let scheme = if target.secure { "https" } else { "http" };
        let base = format!("{scheme}://{}{}", target.authority, target.base);
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .build(Connector { target, tls });
        Self { client, base }
    }

    /// The answer, whole. Errors: a status that is no success, and failures on the way.
    pub(crate) async fn answer(&self, ask: &Ask, token: &str) -> Result<Answer, Error> {
        let whole = async {
            let response = self.send(ask, token).await?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_MAX_BYTES).collect().await;
            let body = body.map_err(|error| Error::unreachable(error.to_string()))?.to_bytes();
            if head.status.is_success() {
                return Ok(Answer { headers: head.headers, body });
            }
            let retry = head.headers.get("x-should-retry").and_then(|value| value.to_str().ok());
            Err(Error::from_answer(head.status.as_u16(), retry, &body))
        };
        timeout(ANSWER_TIMEOUT, whole).await.unwrap_or_else(|_| Err(late()))
    }

    /// The beginning of an answer that is a success; its body is still to come.
    pub(crate) async fn open(&self, ask: &Ask, token: &str) -> Result<Response<Incoming>, Error> {
        let sent = timeout(ANSWER_TIMEOUT, self.send(ask, token)).await;
        let response = sent.unwrap_or_else(|_| Err(late()))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = Limited::new(response.into_body(), ANSWER_MAX_BYTES).collect();
        let body = timeout(ANSWER_TIMEOUT, body).await.ok().and_then(Result::ok);
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        let retry = headers.get("x-should-retry").and_then(|value| value.to_str().ok());
        Err(Error::from_answer(status, retry, &body))
    }

    async fn send(&self, ask: &Ask, token: &str) -> Result<Response<Incoming>, Error> {
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(format!("{}{}", self.base, ask.path))
            .header("authorization", format!("Bearer {token}"));
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(ask.body.clone()));
        let request =
            request.map_err(|error| Error::new("invalid_config", error.to_string(), false))?;
        self.client.request(request).await.map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            Error::unreachable(cause.unwrap_or_else(|| error.to_string()))
        })
    }
}

fn late() -> Error {
    Error::unreachable("the gateway did not answer in time")
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
