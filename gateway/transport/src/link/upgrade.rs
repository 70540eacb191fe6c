//! `GET /v1/agents/link`: what is refused, and the switch to WebSocket (R-LNK-1).

use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use hyper::upgrade::OnUpgrade;
use tidegate_core::error::Result;
use tidegate_protocol::link::SUBPROTOCOL;
use tidegate_protocol::{ApiError, ErrorCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tracing::debug;

use super::drive::drive;
use crate::body::Body;
use crate::service::call::Call;
use crate::service::connection::Activity;
use crate::service::respond::Response;

/// Answers the upgrade; the link lives on in the connection's task.
pub(crate) fn open(mut call: Call<'_>) -> Result<Response> {
    let link = call.gateway().open_link(&call.principal)?;
    let accept = accept_key(call.headers())?;
    // HTTP/2 has neither; nor has a service without a listener of ours.
    let upgrade = call.parts.extensions.remove::<OnUpgrade>();
    let activity = call.parts.extensions.remove::<Activity>();
    let (Some(upgrade), Some(activity)) = (upgrade, activity) else {
        return Err(refused("the link is a WebSocket over HTTP/1.1"));
    };
    let entropy = call.gateway().entropy();
    let (count, drain) = (call.app.metrics.open_link(), call.app.drain.watch());
    activity.go_on_as(Box::pin(async move {
        match upgrade.await {
            Ok(io) => drive(io, link, drain, entropy).await,
            Err(error) => debug!(%error, "a link was not upgraded"),
        }
        drop(count);
    }));
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    Ok(response)
}

/// The proof that the handshake was understood (RFC 6455 §4.2.2).
fn accept_key(headers: &HeaderMap) -> Result<HeaderValue> {
    if !lists(headers, &CONNECTION, |token| token.eq_ignore_ascii_case("upgrade"))
        || !lists(headers, &UPGRADE, |token| token.eq_ignore_ascii_case("websocket"))
    {
        return Err(refused("this address takes WebSocket upgrades only"));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(refused("version 13 of WebSocket is spoken"));
    }
    if !lists(headers, &SEC_WEBSOCKET_PROTOCOL, |token| token == SUBPROTOCOL) {
        return Err(refused("the request must offer a subprotocol that is spoken"));
    }
    let key = headers.get(SEC_WEBSOCKET_KEY);
    let key = key.ok_or_else(|| refused("the upgrade has no sec-websocket-key"))?;
    let accept = derive_accept_key(key.as_bytes());
    Ok(HeaderValue::try_from(accept).expect("base64 is a header value"))
}

/// Has the list in the headers called `name` an item that `is_it`?
fn lists(headers: &HeaderMap, name: &HeaderName, is_it: impl Fn(&str) -> bool) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|token| is_it(token.trim()))
}

fn refused(what: &str) -> ApiError {
    let message = format!("{what}; the subprotocols are: {SUBPROTOCOL}");
    ApiError::new(ErrorCode::UnsupportedSubprotocol, message).at("sec-websocket-protocol")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(HeaderName, &'static str)| {
            (name.clone(), HeaderValue::from_static(value))
        };
        let mut map = HeaderMap::new();
        pairs.iter().map(pair).for_each(|(name, value)| _ = map.append(name, value));
        map
    }

    #[test]
    fn every_part_of_the_handshake_is_needed() {
        let good = [
            (CONNECTION, "keep-alive, Upgrade"),
            (UPGRADE, "WebSocket"),
            (SEC_WEBSOCKET_VERSION, "13"),
            (SEC_WEBSOCKET_PROTOCOL, "other"),
            (SEC_WEBSOCKET_PROTOCOL, "x, tidegate.agent.v1"),
            // The example of RFC 6455.
            (SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let accept = accept_key(&headers(&good)).expect("a handshake");
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for missing in [0, 1, 2, 4, 5] {
            let mut parts = good.to_vec();
            parts.remove(missing);
            let error = accept_key(&headers(&parts)).expect_err("a part is missing");
            assert_eq!(error.code, ErrorCode::UnsupportedSubprotocol);
            assert!(error.message.contains(SUBPROTOCOL), "{error}");
        }
    }
}
