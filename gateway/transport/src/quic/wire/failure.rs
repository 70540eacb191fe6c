//! From quinn's errors to h3's.

use std::sync::Arc;

use h3::quic::{ConnectionErrorIncoming, StreamErrorIncoming};
use quinn::{ConnectionError, ReadError, WriteError};

pub(super) fn connection(error: ConnectionError) -> ConnectionErrorIncoming {
    match error {
        ConnectionError::ApplicationClosed(close) => {
            ConnectionErrorIncoming::ApplicationClose { error_code: close.error_code.into_inner() }
        }
        ConnectionError::TimedOut => ConnectionErrorIncoming::Timeout,
        other => ConnectionErrorIncoming::Undefined(Arc::new(other)),
    }
}

pub(super) fn on_stream(error: ConnectionError) -> StreamErrorIncoming {
    StreamErrorIncoming::ConnectionErrorIncoming { connection_error: connection(error) }
}

pub(super) fn write(error: WriteError) -> StreamErrorIncoming {
    match error {
        WriteError::Stopped(code) => terminated(code.into_inner()),
        WriteError::ConnectionLost(error) => on_stream(error),
        other => StreamErrorIncoming::Unknown(Box::new(other)),
    }
}

pub(super) fn read(error: ReadError) -> StreamErrorIncoming {
    match error {
        ReadError::Reset(code) => terminated(code.into_inner()),
        ReadError::ConnectionLost(error) => on_stream(error),
        other => StreamErrorIncoming::Unknown(Box::new(other)),
    }
}

pub(super) fn terminated(error_code: u64) -> StreamErrorIncoming {
    StreamErrorIncoming::StreamTerminated { error_code }
}
