//! The polite end of a socket.

use std::future::poll_fn;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tracing::debug;

use super::outbox::Outbox;

/// How long the other side has to take the close.
const GOODBYE: Duration = Duration::from_secs(1);
/// Longest reason of a close frame, in bytes (RFC 6455 §5.5).
const REASON_MAX_BYTES: usize = 123;

/// How long nothing comes from a peer that was in the middle of a message, until it has heard.
const QUIET: Duration = Duration::from_millis(100);
/// What is read at once of what nobody wants.
const SCRATCH_BYTES: usize = 16 * 1024;

/// Writes what is left, and waits until the other side has gone. One that is in the middle of a
/// message gets rid of it first: a proxy may give up both ways once one of them is closed.
pub(super) async fn say<S>(mut io: S, mut outbox: Outbox, in_the_middle: bool)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let goodbye = async {
        poll_fn(|cx| outbox.poll_write(&mut io, cx)).await?;
        io.flush().await?;
        let mut scratch = vec![0; SCRATCH_BYTES];
        while in_the_middle
            && let Ok(read) = timeout(QUIET, io.read(&mut scratch)).await
            && read? > 0
        {}
        // Bytes that nobody reads would reset the connection and take the close with them.
        io.shutdown().await?;
        while io.read(&mut scratch).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    match timeout(GOODBYE, goodbye).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, "a socket ended"),
        Err(_) => debug!("a peer did not close its side"),
    }
}

/// As much of `reason` as a close frame can hold.
pub(super) fn cut(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(REASON_MAX_BYTES)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = "ä".repeat(100);
        assert_eq!(cut(&long).len(), 122);
    }
}
