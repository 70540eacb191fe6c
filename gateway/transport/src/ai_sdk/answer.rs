//! The body of an AI SDK answer: the chunks of one turn as a UI message stream.

use std::task::{Context, Poll};

use bytes::Bytes;
use tidegate_protocol::sse::encode;

use super::follow::{Following, Piece};
use crate::sse::quiet::Quiet;

/// A comment: the client's parser skips it, proxies see traffic.
const COMMENT: Bytes = Bytes::from_static(b": waiting\n\n");

/// See the module.
#[derive(Debug)]
pub(crate) struct Answer {
    following: Following,
    quiet: Quiet,
}

impl Answer {
    pub(super) fn new(following: Following) -> Self {
        Self { following, quiet: Quiet::new(None) }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.following.is_done()
    }

    /// The next chunks.
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.is_done() {
            return Poll::Ready(None);
        }
        let mut events = Vec::new();
        let piece = self.following.poll(cx, |chunk| encode::data(&mut events, chunk));
        match piece {
            Poll::Pending => return self.quiet.poll(cx).map(|_| Some(COMMENT)),
            Poll::Ready(Piece::Chunks) => {}
            Poll::Ready(Piece::End) => events.extend_from_slice(encode::DONE),
            Poll::Ready(Piece::Failed(message)) => {
                let chunk = serde_json::json!({"type": "error", "errorText": message}).to_string();
                encode::data(&mut events, chunk.as_bytes());
                events.extend_from_slice(encode::DONE);
            }
        }
        self.quiet.wrote();
        Poll::Ready(Some(events.into()))
    }
}
