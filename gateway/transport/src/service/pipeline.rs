//! What every request goes through, from the outside in: version, preflight, route, credential,
//! rate limit, and the binding (which checks size, then scope, then existence: trigger-client
//! §2.6). On the way out: the error's form, rate-limit headers, CORS, version.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use http::request::Parts;
use http::{HeaderMap, Method, Request};
use tidegate_core::error::Result;
use tidegate_protocol::version::{self, VERSION_HEADER};
use tidegate_protocol::{ApiError, ErrorCode};

use super::app::App;
use super::call::Call;
use super::rate::Allowance;
use super::request_body::RequestBody;
use super::respond::Response;
use super::route::Route;
use super::{auth, cors, dispatch, errors, rate, respond};
use crate::websocket::asks_for_socket;

/// Answers `request`. Errors are answers, too: each carries what a browser needs to read it.
pub(super) async fn answer(app: Arc<App>, tls: bool, request: Request<RequestBody>) -> Response {
    let (parts, body) = request.into_parts();
    if parts.method == Method::OPTIONS {
        return finish(&app, cors::preflight(&parts.headers), None);
    }
    let is_stream = parts.method == Method::GET && Route::looks_like_stream(parts.uri.path());
    let mut allowance = None;
    let answered = admit(&app, tls, parts, body, &mut allowance).await;
    let response = answered.unwrap_or_else(|error| errors::response(&error, is_stream));
    finish(&app, response, allowance)
}

async fn admit(
    app: &Arc<App>,
    tls: bool,
    mut parts: Parts,
    body: RequestBody,
    allowance: &mut Option<Allowance>,
) -> Result<Response> {
    speak(&parts.headers)?;
    let route = Route::of(parts.uri.path())?;
    if route.is_socket() && asks_for_socket(&parts) {
        // What a socket is asked for with does not matter from here on.
        parts.method = Method::GET;
    }
    if route.has_own_credential() {
        return dispatch::own(app, &parts, body, route).await;
    }
    if route.is_open() {
        return dispatch::open(app, tls, &mut parts, route).await;
    }
    let credential = auth::credential(&parts, &route)?;
    let principal = app.gateway.access().authenticate(&credential)?;
    if route.is_rate_limited() {
        *allowance = app.rates.take(&credential, app.gateway.now());
        rate::admit(allowance.as_ref())?;
    }
    drop(credential);
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        app.gateway.require_current(&principal).await?;
    }
    dispatch::closed(Call { app, tls, parts, body, principal }, route).await
}

/// Refuses versions that this gateway does not speak.
fn speak(headers: &HeaderMap) -> Result<()> {
    let asked = headers.get(VERSION_HEADER).map(http::HeaderValue::as_bytes);
    match version::parse(asked) {
        Ok(_) => Ok(()),
        Err(unsupported) => {
            Err(ApiError::new(ErrorCode::UnsupportedVersion, unsupported.to_string())
                .at(VERSION_HEADER))
        }
    }
}

fn finish(app: &App, mut response: Response, allowance: Option<Allowance>) -> Response {
    match response.status().as_u16() {
        ..400 => {}
        429 => _ = app.metrics.rate_limited.fetch_add(1, Relaxed),
        400..500 => _ = app.metrics.errors_client.fetch_add(1, Relaxed),
        _ => _ = app.metrics.errors_server.fetch_add(1, Relaxed),
    }
    let headers = response.headers_mut();
    if let Some(allowance) = allowance {
        allowance.show(headers);
    }
    cors::allow(headers);
    headers.insert(respond::VERSION, respond::VERSION_1);
    response
}
