//! Requests.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use serde_json::Value;

use super::ClientError;
use super::connect::connect;
use super::url::Base;

/// A gateway and a credential for it.
#[derive(Clone)]
pub struct Client {
    base: Base,
    key: String,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("base", &self.base).finish_non_exhaustive()
    }
}

/// A body that is read as it comes.
#[derive(Debug)]
pub struct Stream {
    response: Response<Incoming>,
}

impl Client {
    /// A client for the gateway at `url`.
    pub fn new(url: &str, key: &str) -> Result<Self, ClientError> {
        Ok(Self { base: Base::parse(url)?, key: key.to_owned() })
    }

    /// GETs a JSON document.
    pub async fn get_json(&self, path_and_query: &str) -> Result<Value, ClientError> {
        let response = self.get(path_and_query, &[]).await?;
        let body = response.into_body().collect().await;
        let body = body.map_err(|error| ClientError::Cut(error.to_string()))?.to_bytes();
        serde_json::from_slice(&body).map_err(|error| ClientError::Cut(error.to_string()))
    }

    /// GETs a stream.
    pub async fn get_stream(
        &self,
        path_and_query: &str,
        headers: &[(&'static str, String)],
    ) -> Result<Stream, ClientError> {
        let response = self.get(path_and_query, headers).await?;
        Ok(Stream { response })
    }

    async fn get(
        &self,
        path_and_query: &str,
        headers: &[(&'static str, String)],
    ) -> Result<Response<Incoming>, ClientError> {
        let unreachable =
            |reason: String| ClientError::Unreachable { url: self.base.authority(), reason };
        let mut request = Request::get(format!("{}{path_and_query}", self.base.prefix))
            .header(header::HOST, self.base.authority())
            .header(header::AUTHORIZATION, format!("Bearer {}", self.key))
            .header(header::USER_AGENT, concat!("tidegate/", env!("CARGO_PKG_VERSION")));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(Empty::<Bytes>::new());
        let request = request.map_err(|error| unreachable(error.to_string()))?;
        let mut sender = connect(&self.base).await.map_err(unreachable)?;
        let response = sender.send_request(request).await;
        let response = response.map_err(|error| unreachable(error.to_string()))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map(|body| body.to_bytes());
        Err(ClientError::Status { status, message: message_of(&body.unwrap_or_default()) })
    }
}

impl Stream {
    /// Headers of the answer.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The next bytes; `None` at a clean end.
    pub async fn next(&mut self) -> Option<Result<Bytes, ClientError>> {
        loop {
            match self.response.body_mut().frame().await? {
                Ok(frame) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Some(Ok(bytes));
                    }
                }
                Err(error) => return Some(Err(ClientError::Cut(error.to_string()))),
            }
        }
    }
}

/// The `error` of an error body, or its text.
fn message_of(body: &[u8]) -> String {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = &json["error"];
    let message = error.as_str().or_else(|| error["message"].as_str());
    match message {
        Some(message) => message.to_owned(),
        None => String::from_utf8_lossy(body).chars().take(200).collect(),
    }
}
