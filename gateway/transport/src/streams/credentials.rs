//! `PUT …/out`: write credentials for S2 (R-S2-1).

use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;
use tidegate_core::error::Result;
use tidegate_protocol::ids::Channel;
use tidegate_protocol::limits::S2_FLUSH_INTERVAL_MS;
use tidegate_protocol::{ApiError, ErrorCode};

use crate::meta::address;
use crate::service::call::Call;
use crate::service::respond::{self, Response};

/// Clients want a name of a certain shape, and send it back.
const BASIN: &str = "tidegate";
/// Writers of today's clients have their own number.
const MAX_RETRIES: &str = "3";

/// Token, stream and address, in headers.
pub(crate) async fn give(call: &Call<'_>, name: &str, channel: &Channel) -> Result<Response> {
    let gateway = call.gateway();
    let credentials = gateway.write_credentials(&call.principal, name, channel).await?;
    let endpoint = address::s2_base(call.app, call.tls, &call.parts);
    let flush_interval = S2_FLUSH_INTERVAL_MS.to_string();
    let mut response = respond::json(StatusCode::ACCEPTED, &json!({"version": "v2"}));
    for (name, value) in [
        ("x-s2-access-token", credentials.token.as_str()),
        ("x-s2-basin", BASIN),
        ("x-s2-stream-name", &credentials.stream),
        ("x-s2-endpoint", &endpoint),
        ("x-s2-flush-interval-ms", &flush_interval),
        ("x-s2-max-retries", MAX_RETRIES),
    ] {
        let value = HeaderValue::from_str(value).map_err(|_| {
            let message = "the Host header of the request is not one to make an address from";
            ApiError::new(ErrorCode::InvalidParameter, message).at("host")
        })?;
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    Ok(response)
}
