//! The requests of an SSE reader.

use std::io;

use http::{Request, Uri};

use crate::net::KEY;

/// Follows a session from the record `first`; 0 asks for everything, without a cursor.
pub(super) fn follow(origin: &str, path: &str, first: u32) -> io::Result<Request<()>> {
    let mut request = Request::get(uri(origin, path)?)
        .header("authorization", format!("Bearer {KEY}"))
        .header("accept", "text/event-stream")
        .header("timeout-seconds", "600");
    if let Some(cursor) = first.checked_sub(1) {
        request = request.header("last-event-id", cursor);
    }
    request.body(()).map_err(io::Error::other)
}

/// Is answered at once, and says nothing.
pub(super) fn live(origin: &str) -> io::Result<Request<()>> {
    Request::get(uri(origin, "/live")?).body(()).map_err(io::Error::other)
}

/// `origin` is empty in HTTP/1.1, whose requests name it in `host`.
fn uri(origin: &str, path: &str) -> io::Result<Uri> {
    format!("{origin}{path}").parse().map_err(io::Error::other)
}

/// An answer without which there is nothing to read.
pub(super) fn accept(status: http::StatusCode) -> io::Result<()> {
    if status.is_success() {
        return Ok(());
    }
    Err(io::Error::other(format!("a reader was refused: {status}")))
}
