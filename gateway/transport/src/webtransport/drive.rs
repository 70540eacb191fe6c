//! Drives a session: what serves it, beside the stream of its request.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::capsule::{self, Capsules};
use super::offer::Serving;
use super::session::{Closed, Session};
use crate::quic::body::Upload;

/// How long what serves a session may go on once the client has ended it.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long a client may take to end its side once it was told.
const GOODBYE: Duration = Duration::from_secs(5);

/// Lets `serving` serve `session` to its end; answers what is to be said to the client, if it has
/// not ended it itself.
pub(crate) async fn drive(
    mut serving: Serving,
    session: Session,
    upload: &mut Upload,
) -> Option<Bytes> {
    let mut capsules = Capsules::default();
    let by_client = tokio::select! {
        () = &mut serving => None,
        () = session.is_to_close() => None,
        end = poll_fn(|cx| poll_end(upload, &mut capsules, cx)) => Some(end),
    };
    match by_client {
        Some(end) => {
            session.ended(end);
            _ = timeout(LAST_WORDS, serving).await;
            None
        }
        None => Some(capsule::close(&session.said())),
    }
}

/// Waits until the client has heard of the end, and ended its side: who stops listening before is
/// taken for a lost connection.
pub(crate) async fn part(upload: &mut Upload) {
    let rest = async { while let Some(Ok(_)) = poll_fn(|cx| upload.poll_data(cx)).await {} };
    _ = timeout(GOODBYE, rest).await;
}

/// Ready once the client has ended the session.
fn poll_end(upload: &mut Upload, capsules: &mut Capsules, cx: &mut Context<'_>) -> Poll<Closed> {
    loop {
        match upload.poll_data(cx) {
            Poll::Ready(Some(Ok(bytes))) => {
                if let Some(end) = capsules.push(&bytes) {
                    return Poll::Ready(end);
                }
            }
            Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(Closed::default()),
            Poll::Pending => return Poll::Pending,
        }
    }
}
