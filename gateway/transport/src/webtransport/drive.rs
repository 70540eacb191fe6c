//! Drives a session: what serves it, beside the stream of its request.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use quinn::Connection;
use tokio::sync::watch;
use tokio::time::timeout;

use super::capsule::{self, Capsules};
use super::hub::Place;
use super::offer::Serve;
use super::session::{Closed, Session};
use crate::quic::body::Upload;

/// How long what serves a session may go on once the client has ended it.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long a client may take to end its side once it was told.
const GOODBYE: Duration = Duration::from_secs(5);

/// Serves the session of the request on stream `id` to its end; answers what is to be said to the
/// client, if it has not ended it itself.
pub(crate) async fn drive(
    serve: Serve,
    connection: Connection,
    id: u64,
    place: Place,
    upload: &mut Upload,
) -> Option<Bytes> {
    let (close, mut closing) = watch::channel(None);
    let (ended, closed) = watch::channel(None);
    let mut serving = serve(Session::new(connection, id, place, close, closed));
    let mut capsules = Capsules::default();
    let by_client = tokio::select! {
        () = &mut serving => None,
        true = async { closing.wait_for(Option::is_some).await.is_ok() } => None,
        end = poll_fn(|cx| poll_end(upload, &mut capsules, cx)) => Some(end),
    };
    if by_client.is_some() {
        ended.send_replace(by_client);
        _ = timeout(LAST_WORDS, serving).await;
        return None;
    }
    let end = closing.borrow().clone();
    Some(capsule::close(&end.unwrap_or_default()))
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
