//! What the gateway serves besides the protocol: console, metrics, the list of agents.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};
use serde_json::{Value, json};
use tidegate_core::Gateway;
use tidegate_store::ListenableStore;
use tidegate_transport::{Body, TransportMetrics};

use crate::console;
use crate::telemetry::metrics::{METRICS_TYPE, render};

/// Answers paths that are no binding's.
#[derive(Clone, Debug)]
pub(super) struct Extra {
    pub(super) gateway: Gateway,
    pub(super) store: Arc<dyn ListenableStore>,
    pub(super) metrics: Arc<TransportMetrics>,
    pub(super) ready: Arc<AtomicBool>,
}

impl Extra {
    /// The answer; `None` if the path is not one of these.
    pub(super) fn answer(&self, request: &Parts) -> Option<Response<Body>> {
        let path = request.uri.path();
        let asset = console::find(path);
        if asset.is_none() && !matches!(path, "/metrics" | "/v1/agents") {
            return None;
        }
        if !matches!(request.method, Method::GET | Method::HEAD) {
            let error = json!({"error": "only GET is served here", "code": "method_not_allowed"});
            let mut response = json(StatusCode::METHOD_NOT_ALLOWED, &error);
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return Some(response);
        }
        Some(match (asset, path) {
            (Some(asset), _) => file(asset),
            (None, "/metrics") => self.metrics(),
            (None, _) => self.agents(request),
        })
    }

    fn metrics(&self) -> Response<Body> {
        let draining = !self.ready.load(Ordering::Acquire);
        let lost = self.store.lost_records();
        let text = render(&self.gateway, &self.metrics, lost, draining);
        let mut response = Response::new(Body::from(text));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(METRICS_TYPE));
        response
    }

    /// Ids of agents may say more than a browser should know: secret keys only.
    fn agents(&self, request: &Parts) -> Response<Body> {
        let credential = request.headers.get(header::AUTHORIZATION);
        let credential = credential.and_then(|value| value.to_str().ok());
        let bearer =
            credential.and_then(|text| text.split_once(' ')).map_or("", |(_, key)| key.trim());
        let checked = self
            .gateway
            .access()
            .authenticate(bearer)
            .and_then(|principal| principal.require_secret().map(|()| principal));
        match checked {
            Ok(principal) => {
                let one = |id| json!({"id": id});
                let ids = self.gateway.agents().ids(&principal.environment);
                let agents: Vec<_> = ids.into_iter().map(one).collect();
                json(StatusCode::OK, &json!({ "agents": agents }))
            }
            Err(error) => {
                let status =
                    StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::FORBIDDEN);
                json(status, &json!({"error": error.message, "code": error.code.as_str()}))
            }
        }
    }
}

fn file(asset: &'static console::Asset) -> Response<Body> {
    let mut response = Response::new(Body::from(asset.bytes));
    *response.headers_mut() = asset.headers();
    response
}

fn json(status: StatusCode, value: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
