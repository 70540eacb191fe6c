//! `HEAD …/{io}`: where a stream stands.

use http::{HeaderName, HeaderValue};
use tidegate_core::error::Result;
use tidegate_protocol::cursor::Start;
use tidegate_protocol::ids::Channel;

use crate::body::Body;
use crate::service::call::Call;
use crate::service::respond::Response;

/// `x-last-chunk-index` is the seq of the newest record, -1 before the first.
pub(crate) async fn head(call: Call<'_>, name: &str, channel: &Channel) -> Result<Response> {
    let reading = call.gateway().open_read(&call.principal, name, channel, Start::Tail).await?;
    let last = match reading.state.tail.checked_sub(1) {
        Some(seq) => HeaderValue::from(seq),
        None => HeaderValue::from_static("-1"),
    };
    let mut response = Response::new(Body::empty());
    response.headers_mut().insert(HeaderName::from_static("x-last-chunk-index"), last);
    Ok(response)
}
