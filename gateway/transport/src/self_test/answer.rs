//! `POST /v1/self-test/{nonce}`.

use http::StatusCode;
use tidegate_core::error::Result;
use tidegate_protocol::{ApiError, ErrorCode};

use crate::body::Body;
use crate::service::app::App;
use crate::service::respond::Response;

/// The client has the step that told it `nonce`. Where nobody waits for it, the answer is held back
/// a little, so that of several that are sent at once each gateway gets one, also from a balancer
/// that prefers whoever has the fewest.
pub(crate) async fn acknowledge(app: &App, nonce: &str) -> Result<Response> {
    if !app.trials.acknowledge(nonce) {
        app.trials.hold().await;
        let message = "no self-test of this gateway waits for this; behind a balancer, another one \
                       may: repeat at once";
        return Err(ApiError::new(ErrorCode::SelfTestNotFound, message));
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}
