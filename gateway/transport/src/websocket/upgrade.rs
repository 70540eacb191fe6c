//! The handshake: RFC 6455 over HTTP/1.1, RFC 8441 over HTTP/2.

use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use hyper::ext::Protocol;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tidegate_core::error::Result;
use tidegate_protocol::{ApiError, ErrorCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tracing::{Instrument, debug};

use crate::body::Body;
use crate::service::app::App;
use crate::service::connection::Activity;
use crate::service::respond::Response;

/// What a socket runs on.
pub(crate) type Io = TokioIo<Upgraded>;

/// Is this the extended CONNECT of a WebSocket (RFC 8441 §4)?
pub(crate) fn asks_for_socket(parts: &Parts) -> bool {
    let protocol = parts.extensions.get::<Protocol>();
    parts.method == Method::CONNECT && protocol.is_some_and(|p| p.as_str() == "websocket")
}

/// A handshake that holds, to be answered by `switch`.
#[derive(Debug)]
pub(crate) struct Handshake {
    upgrade: OnUpgrade,
    activity: Activity,
    /// The proof that it was understood; HTTP/2 needs none.
    accept: Option<HeaderValue>,
    subprotocol: Option<&'static str>,
}

impl Handshake {
    /// Takes the handshake out of a request. Where `spoken` is not empty, one of these subprotocols
    /// must be offered; the first of them that is offered is chosen.
    pub(crate) fn of(parts: &mut Parts, spoken: &[&'static str]) -> Result<Self> {
        let over_http2 = parts.extensions.get::<Protocol>().is_some();
        let accept = if over_http2 { None } else { Some(accept_key(&parts.headers, spoken)?) };
        let subprotocol = choose(&parts.headers, spoken)?;
        // A service without a listener of ours has neither.
        let upgrade = parts.extensions.remove::<OnUpgrade>();
        let activity = parts.extensions.remove::<Activity>();
        let (Some(upgrade), Some(activity)) = (upgrade, activity) else {
            return Err(refused("this connection can't be upgraded", spoken));
        };
        Ok(Self { upgrade, activity, accept, subprotocol })
    }

    /// Answers the handshake. `serve` gets the connection: on HTTP/1.1 in the connection's task, on
    /// HTTP/2 in one of its own, which a drain waits for, too.
    pub(crate) fn switch<F>(
        self,
        app: &App,
        serve: impl FnOnce(Io) -> F + Send + 'static,
    ) -> Response
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Self { upgrade, activity, accept, subprotocol } = self;
        let serving = async move {
            match upgrade.await {
                Ok(io) => serve(TokioIo::new(io)).await,
                Err(error) => debug!(%error, "a connection was not upgraded"),
            }
        };
        let mut response = Response::new(Body::empty());
        if let Some(accept) = accept {
            activity.go_on_as(Box::pin(serving));
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            let headers = response.headers_mut();
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        } else {
            let under_way = activity.begin();
            let serving = async move {
                serving.await;
                drop(under_way);
            };
            app.connections.spawn(serving.in_current_span());
        }
        if let Some(subprotocol) = subprotocol {
            let value = HeaderValue::from_static(subprotocol);
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, value);
        }
        response
    }
}

/// The proof that the handshake was understood (RFC 6455 §4.2.2).
fn accept_key(headers: &HeaderMap, spoken: &[&str]) -> Result<HeaderValue> {
    if !lists(headers, &CONNECTION, |token| token.eq_ignore_ascii_case("upgrade"))
        || !lists(headers, &UPGRADE, |token| token.eq_ignore_ascii_case("websocket"))
    {
        return Err(refused("this address takes WebSocket upgrades only", spoken));
    }
    let key = headers.get(SEC_WEBSOCKET_KEY);
    let key = key.ok_or_else(|| refused("the upgrade has no sec-websocket-key", spoken))?;
    let accept = derive_accept_key(key.as_bytes());
    Ok(HeaderValue::try_from(accept).expect("base64 is a header value"))
}

/// What both forms of the handshake say alike (RFC 8441 §5).
fn choose(headers: &HeaderMap, spoken: &[&'static str]) -> Result<Option<&'static str>> {
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(refused("version 13 of WebSocket is spoken", spoken));
    }
    let offered = |name: &&&str| lists(headers, &SEC_WEBSOCKET_PROTOCOL, |token| token == **name);
    match spoken.iter().find(offered) {
        None if !spoken.is_empty() => {
            Err(refused("the request must offer a subprotocol that is spoken", spoken))
        }
        chosen => Ok(chosen.copied()),
    }
}

/// Has the list in the headers called `name` an item that `is_it`?
fn lists(headers: &HeaderMap, name: &HeaderName, is_it: impl Fn(&str) -> bool) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|token| is_it(token.trim()))
}

fn refused(what: &'static str, spoken: &[&str]) -> ApiError {
    let message = if spoken.is_empty() {
        what.to_owned()
    } else {
        format!("{what}; the subprotocols are: {}", spoken.join(", "))
    };
    ApiError::new(ErrorCode::UnsupportedSubprotocol, message).at("sec-websocket-protocol")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPOKEN: &[&str] = &["tidegate.agent.v1"];

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(HeaderName, &'static str)| {
            (name.clone(), HeaderValue::from_static(value))
        };
        let mut map = HeaderMap::new();
        pairs.iter().map(pair).for_each(|(name, value)| _ = map.append(name, value));
        map
    }

    fn check(map: &HeaderMap) -> Result<HeaderValue> {
        let accept = accept_key(map, SPOKEN)?;
        assert_eq!(choose(map, SPOKEN)?, Some(SPOKEN[0]));
        Ok(accept)
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
        let accept = check(&headers(&good)).expect("a handshake");
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for missing in [0, 1, 2, 4, 5] {
            let mut parts = good.to_vec();
            parts.remove(missing);
            let error = check(&headers(&parts)).expect_err("a part is missing");
            assert_eq!(error.code, ErrorCode::UnsupportedSubprotocol);
            assert!(error.message.contains(SPOKEN[0]), "{error}");
        }
    }

    #[test]
    fn where_no_subprotocol_is_needed_none_is_chosen() {
        let offers = [(SEC_WEBSOCKET_VERSION, "13"), (SEC_WEBSOCKET_PROTOCOL, "x")];
        assert_eq!(choose(&headers(&offers), &[]), Ok(None));
        assert_eq!(choose(&headers(&offers[..1]), &[]), Ok(None));
        let error = choose(&headers(&offers), SPOKEN).expect_err("not spoken");
        assert!(error.message.contains(SPOKEN[0]), "{error}");
    }
}
