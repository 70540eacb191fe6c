//! The head of an answer.

use http::{HeaderName, HeaderValue};

use super::answer::Answer;
use super::follow::Following;
use crate::body::Body;
use crate::service::respond::{Response, event_stream};

/// A UI message stream.
pub(super) fn ui_message_stream(following: Following) -> Response {
    let mut response = event_stream(Body::answer(Answer::new(following)));
    response.headers_mut().insert(
        HeaderName::from_static("x-vercel-ai-ui-message-stream"),
        HeaderValue::from_static("v1"),
    );
    response
}
