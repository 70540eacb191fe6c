//! From route and method to a binding.

use std::sync::Arc;

use http::header::ALLOW;
use http::request::Parts;
use http::{HeaderValue, Method};
use tidegate_core::error::Result;
use tidegate_protocol::{ApiError, ErrorCode};

use super::app::App;
use super::call::Call;
use super::errors;
use super::request_body::RequestBody;
use super::respond::Response;
use super::route::Route;
use crate::{
    ai_sdk, duplex, link, meta, runs, s2, self_test, sessions, streams, tokens, transcript,
};

/// Routes without authentication.
pub(super) async fn open(
    app: &Arc<App>,
    tls: bool,
    parts: &mut Parts,
    route: Route,
) -> Result<Response> {
    let get = matches!(parts.method, Method::GET | Method::HEAD);
    match route {
        Route::ChatSocket(agent) if parts.method == Method::GET => {
            ai_sdk::socket::open(app, parts, agent).await
        }
        Route::ChatSocket(_) => Ok(not_allowed("GET")),
        Route::Discovery if get => Ok(meta::discovery::show(app, tls, parts)),
        Route::Live if get => Ok(meta::health::live()),
        Route::Connect => {
            duplex::open(app, parts).unwrap_or_else(|| Ok(not_allowed("GET, CONNECT")))
        }
        Route::SelfTest if parts.method == Method::GET => self_test::stream::open(app),
        Route::SelfTestStep(nonce) if parts.method == Method::POST => {
            self_test::acknowledge(app, &nonce).await
        }
        Route::SelfTest => Ok(not_allowed("GET")),
        Route::SelfTestStep(_) => Ok(not_allowed("POST")),
        Route::Ready if get => Ok(meta::health::ready(app)),
        Route::Snapshot(name) if get => transcript::snapshot::fetch(app, parts, &name).await,
        Route::Other => match app.extra.as_ref().and_then(|extra| extra(parts)) {
            Some(response) => Ok(response),
            None => Err(ApiError::new(ErrorCode::NotFound, "there is nothing at this address")),
        },
        _ => Ok(not_allowed("GET, HEAD")),
    }
}

/// Routes whose credential is of their own kind.
pub(super) async fn own(
    app: &Arc<App>,
    parts: &Parts,
    body: RequestBody,
    route: Route,
) -> Result<Response> {
    match (route, &parts.method) {
        (Route::S2Records(stream), &Method::POST) => {
            Ok(s2::append::append(app, parts, body, &stream).await)
        }
        (Route::Snapshot(name), &Method::GET | &Method::HEAD) => {
            transcript::snapshot::fetch(app, parts, &name).await
        }
        (Route::Snapshot(name), &Method::PUT) => {
            transcript::snapshot::save(app, parts, body, &name).await
        }
        (Route::Snapshot(_), _) => Ok(not_allowed("GET, HEAD, PUT")),
        _ => Ok(not_allowed("POST")),
    }
}

/// Routes of authenticated callers.
pub(super) async fn closed(call: Call<'_>, route: Route) -> Result<Response> {
    let method = call.parts.method.clone();
    match (route, &method) {
        (Route::Append(name, channel), &Method::POST) => {
            streams::append::append(call, &name, channel).await
        }
        (Route::Stream(name, channel), &Method::GET) => {
            streams::read::open(call, &name, &channel).await
        }
        (Route::Stream(name, channel), &Method::HEAD) => {
            streams::head::head(call, &name, &channel).await
        }
        (Route::Stream(name, channel), &Method::PUT) => {
            streams::credentials::give(&call, &name, &channel).await
        }
        (Route::Records(name, channel), &Method::GET) => {
            streams::records::page(call, &name, &channel).await
        }
        (Route::Inputs(name), &Method::GET) => streams::inputs::page(call, &name).await,
        (route, method) => calls(call, route, method).await,
    }
}

/// What is not about a stream.
async fn calls(call: Call<'_>, route: Route, method: &Method) -> Result<Response> {
    match (route, method) {
        (Route::AgentLink, &Method::GET) => link::open(call),
        (Route::SelfTestSocket, &Method::GET) => self_test::socket::open(call),
        (Route::Sessions, &Method::POST) => sessions::create::create(call).await,
        (Route::Sessions, &Method::GET) => sessions::list::list(call).await,
        (Route::Session(name), &Method::GET) => sessions::one::retrieve(call, &name).await,
        (Route::Session(name), &Method::PATCH) => sessions::one::update(call, &name).await,
        (Route::Close(name), &Method::POST) => sessions::one::close(call, &name).await,
        (Route::Transcript(name), &Method::GET) => transcript::page::page(call, &name).await,
        (Route::SnapshotUrl(name), &Method::GET) => transcript::snapshot::url(call, &name).await,
        (Route::SnapshotUrl(name), &Method::PUT) => {
            transcript::snapshot::upload_url(call, &name).await
        }
        (Route::EndAndContinue(name), &Method::POST) => {
            runs::succession::end_and_continue(call, &name).await
        }
        (Route::Runs, &Method::GET) => runs::list::list(call).await,
        (Route::Run(id), &Method::GET) => runs::one::retrieve(call, &id).await,
        (Route::RunMetadata(id), &Method::GET) => runs::notes::show(call, &id).await,
        (Route::RunMetadata(id), &Method::PUT) => runs::notes::change(call, &id).await,
        (Route::RunTags(id), &Method::POST) => runs::notes::tag(call, &id).await,
        (Route::CancelRun(id), &Method::POST) => runs::one::cancel(call, &id).await,
        (Route::Claims, &Method::POST) => tokens::claims::show(call).await,
        (Route::PublicTokens, &Method::POST) => tokens::public::mint(call).await,
        (Route::Tickets, &Method::POST) => tokens::ticket::give(call).await,
        (Route::Chat(agent), &Method::POST) => ai_sdk::chat::chat(call, &agent).await,
        (Route::ChatStream(agent, id), &Method::GET) => {
            ai_sdk::resume::resume(call, &agent, &id).await
        }
        (Route::ChatStop(agent, id), &Method::POST) => ai_sdk::stop::stop(call, &agent, &id).await,
        (route, _) => Ok(not_allowed(methods(&route))),
    }
}

fn methods(route: &Route) -> &'static str {
    match route {
        Route::Sessions => "GET, POST",
        Route::Session(_) => "GET, PATCH",
        Route::RunMetadata(_) => "GET, PUT",
        Route::Stream(..) => "GET, HEAD, PUT",
        Route::SnapshotUrl(_) => "GET, PUT",
        Route::Close(_)
        | Route::EndAndContinue(_)
        | Route::CancelRun(_)
        | Route::RunTags(_)
        | Route::Append(..)
        | Route::Claims
        | Route::PublicTokens
        | Route::Tickets
        | Route::Chat(_)
        | Route::ChatStop(..) => "POST",
        _ => "GET",
    }
}

fn not_allowed(methods: &'static str) -> Response {
    let message = format!("this address takes {methods}");
    let error = ApiError::new(ErrorCode::MethodNotAllowed, message);
    let mut response = errors::response(&error, false);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    response
}
