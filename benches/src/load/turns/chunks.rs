//! The bytes that the backend writes: a UI message stream over chunked HTTP/1.1.

use std::io::Write;

use crate::net::{Marker, write_body};

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
    x-vercel-ai-ui-message-stream: v1\r\ntransfer-encoding: chunked\r\n\r\n";

const OPENING: &[u8] = b"data: {\"type\":\"start\"}\n\ndata: {\"type\":\"start-step\"}\n\n\
    data: {\"type\":\"text-start\",\"id\":\"t\"}\n\n";

const CLOSING: &[u8] = b"data: {\"type\":\"text-end\",\"id\":\"t\"}\n\n\
    data: {\"type\":\"finish-step\"}\n\ndata: {\"type\":\"finish\"}\n\ndata: [DONE]\n\n";

/// What goes into one write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) marker: Marker,
    pub(super) is_first: bool,
    pub(super) is_last: bool,
}

impl Part {
    /// Replaces `out` by the bytes of the write; `scratch` is only lent.
    pub(super) fn write(self, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
        scratch.clear();
        if self.is_first {
            scratch.extend_from_slice(OPENING);
        }
        scratch.extend_from_slice(b"data: ");
        write_body(self.marker, scratch);
        scratch.extend_from_slice(b"\n\n");
        if self.is_last {
            scratch.extend_from_slice(CLOSING);
        }
        out.clear();
        if self.is_first {
            out.extend_from_slice(HEAD);
        }
        write!(out, "{:x}\r\n", scratch.len()).expect("a Vec takes every write");
        out.extend_from_slice(scratch);
        out.extend_from_slice(b"\r\n");
        if self.is_last {
            out.extend_from_slice(b"0\r\n\r\n");
        }
    }
}
