//! Sends requests, over TCP or HTTP/3.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::connector::Connector;
use super::requests::{Answer, Ask};
use crate::client::error::Error;
use crate::client::event::Transport;
#[cfg(feature = "http3")]
use crate::client::http3::{Http3, Want};
use crate::client::mode::Mode;
use crate::net::Target;

/// How long an answer may take to begin, and to end where it is read whole.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest answer that is read whole.
const ANSWER_MAX_BYTES: usize = 64 * 1024 * 1024;

/// An answer's body, whatever brings it.
pub(crate) type Body = UnsyncBoxBody<Bytes, Error>;

/// An HTTP client of one gateway: connections are kept; one is enough where it is HTTP/2.
#[derive(Clone)]
pub(crate) struct Http {
    tcp: legacy::Client<Connector, Full<Bytes>>,
    base: String,
    #[cfg(feature = "http3")]
    http3: Option<Http3>,
}

impl Http {
    pub(crate) fn new(target: Arc<Target>, tls: Option<TlsConnector>) -> Self {
        let scheme = if target.secure { "https" } else { "http" };
        let base = format!("{scheme}://{}{}", target.authority, target.base);
        let tcp = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .build(Connector { target, tls });
        Self {
            tcp,
            base,
            #[cfg(feature = "http3")]
            http3: None,
        }
    }

    #[cfg(feature = "http3")]
    pub(crate) fn with_http3(self, http3: Option<Http3>) -> Self {
        Self { http3, ..self }
    }

    /// The answer, whole. Errors: a status that is no success, and failures on the way.
    pub(crate) async fn answer(&self, ask: &Ask, token: &str, mode: Mode) -> Result<Answer, Error> {
        let whole = async {
            let (response, _) = self.send(ask, token, mode, false).await?;
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

    /// The body of an answer that is a success, which is still to come, and what brings it.
    pub(crate) async fn open(
        &self,
        ask: &Ask,
        token: &str,
        mode: Mode,
    ) -> Result<(Body, Transport), Error> {
        let sent = timeout(ANSWER_TIMEOUT, self.send(ask, token, mode, true)).await;
        let (response, transport) = sent.unwrap_or_else(|_| Err(late()))?;
        let (head, body) = response.into_parts();
        if head.status.is_success() {
            return Ok((body, transport));
        }
        let body = Limited::new(body, ANSWER_MAX_BYTES).collect();
        let body = timeout(ANSWER_TIMEOUT, body).await.ok().and_then(Result::ok);
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        let retry = head.headers.get("x-should-retry").and_then(|value| value.to_str().ok());
        Err(Error::from_answer(head.status.as_u16(), retry, &body))
    }

    /// `lasts`: the answer is to be read for long.
    async fn send(
        &self,
        ask: &Ask,
        token: &str,
        mode: Mode,
        lasts: bool,
    ) -> Result<(Response<Body>, Transport), Error> {
        let request = ask.request(&self.base, token)?;
        #[cfg(feature = "http3")]
        if let Some(response) = self.over_http3(&request, mode, lasts).await? {
            return Ok((response, Transport::Http3));
        }
        #[cfg(not(feature = "http3"))]
        let _ = (mode, lasts);
        Ok((self.over_tcp(request).await?, Transport::Sse))
    }

    async fn over_tcp(&self, request: Request<Bytes>) -> Result<Response<Body>, Error> {
        let response = self.tcp.request(request.map(Full::new)).await.map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            Error::unreachable(cause.unwrap_or_else(|| error.to_string()))
        })?;
        #[cfg(feature = "http3")]
        if let Some(http3) = &self.http3 {
            http3.handle_answer(response.headers());
        }
        let body = |body: hyper::body::Incoming| {
            body.map_err(|error| Error::unreachable(error.to_string())).boxed_unsync()
        };
        Ok(response.map(body))
    }

    /// `None`: it is to go over TCP.
    #[cfg(feature = "http3")]
    async fn over_http3(
        &self,
        request: &Request<Bytes>,
        mode: Mode,
        lasts: bool,
    ) -> Result<Option<Response<Body>>, Error> {
        let want = match mode {
            Mode::Sse | Mode::WebSocket => return Ok(None),
            Mode::Http3 => Want::Only,
            Mode::Auto if lasts => Want::Rather,
            Mode::Auto => Want::IfThere,
        };
        match &self.http3 {
            Some(http3) => http3.send(request, want).await,
            None if want == Want::Only => {
                let text = "HTTP/3 needs an https URL";
                Err(Error::new(crate::client::error::INVALID_CONFIG, text, false))
            }
            None => Ok(None),
        }
    }
}

fn late() -> Error {
    Error::unreachable("the gateway did not answer in time")
}
