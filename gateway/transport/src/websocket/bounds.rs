//! How much a socket may hold.

use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// Bytes of control frames that wait in the codec while the peer takes nothing. Of the answers to
/// pings only the last one matters (RFC 6455 §5.5.3).
const CONTROL_BYTES: usize = 1024;

/// The bounds of one socket, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Largest message that is taken in, over all of its fragments.
    pub(crate) message: usize,
    /// What is read at once; held for as long as the socket lives.
    pub(crate) read_buffer: usize,
    /// What may wait to be written before there is no room for another message.
    pub(crate) unsent: usize,
    /// Are binary messages taken? If not, one ends the socket with 1003.
    pub(crate) binary: bool,
}

impl Bounds {
    pub(super) fn config(&self) -> WebSocketConfig {
        // The codec writes control frames only, and at once: the outbox is what collects.
        WebSocketConfig::default()
            .read_buffer_size(self.read_buffer)
            .write_buffer_size(0)
            .max_write_buffer_size(CONTROL_BYTES)
            .max_message_size(Some(self.message))
            .max_frame_size(Some(self.message))
    }
}
