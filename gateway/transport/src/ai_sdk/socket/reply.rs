//! What the gateway sends.

use serde_json::{Value, json};
use tidegate_protocol::ApiError;

use crate::websocket::{Io, Socket};

/// The answers to one request; all of them carry its id.
#[derive(Debug)]
pub(super) struct Reply {
    /// As JSON.
    request: String,
    /// The sequence of the next chunk.
    sequence: u64,
    /// Chunks up to here are not sent: the client has them.
    last: Option<u64>,
}

impl Reply {
    pub(super) fn new(request: &str, last: Option<u64>) -> Self {
        Self { request: Value::from(request).to_string(), sequence: 0, last }
    }

    /// The request was taken; its chunks follow.
    pub(super) fn start(&self, socket: &mut Socket<Io>) {
        self.say(socket, "start");
    }

    pub(super) fn end(&self, socket: &mut Socket<Io>) {
        self.say(socket, "end");
    }

    pub(super) fn no_active(&self, socket: &mut Socket<Io>) {
        self.say(socket, "no-active");
    }

    pub(super) fn chunk(&mut self, socket: &mut Socket<Io>, chunk: &[u8]) {
        let sequence = self.sequence;
        self.sequence += 1;
        if self.last.is_some_and(|last| sequence <= last) {
            return;
        }
        let number = format!(",\"sequence\":{sequence},\"chunk\":");
        socket.send_copied(&[
            b"{\"type\":\"chunk\",\"requestId\":",
            self.request.as_bytes(),
            number.as_bytes(),
            chunk,
            b"}",
        ]);
    }

    /// A failure that no code names.
    pub(super) fn failed(&self, socket: &mut Socket<Io>, text: &str) {
        let text = Value::from(text).to_string();
        self.error(socket, &text, "");
    }

    pub(super) fn refused(&self, socket: &mut Socket<Io>, error: &ApiError) {
        let text = json!(error.message).to_string();
        self.error(socket, &text, &format!(",\"code\":\"{}\"", error.code.as_str()));
    }

    fn error(&self, socket: &mut Socket<Io>, text: &str, more: &str) {
        let request = self.request.as_str();
        let frame =
            ["{\"type\":\"error\",\"requestId\":", request, ",\"errorText\":", text, more, "}"];
        socket.send_copied(&frame.map(str::as_bytes));
    }

    fn say(&self, socket: &mut Socket<Io>, kind: &str) {
        let frame = ["{\"type\":\"", kind, "\",\"requestId\":", self.request.as_str(), "}"];
        socket.send_copied(&frame.map(str::as_bytes));
    }
}
