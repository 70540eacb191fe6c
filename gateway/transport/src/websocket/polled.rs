//! A socket as the codec sees it within one poll: what it reads comes from the connection, what it
//! writes goes into the outbox.

use std::io::{ErrorKind, Read, Result, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

use super::outbox::Outbox;

pub(super) struct Polled<'a, 'b, S> {
    pub(super) io: &'a mut S,
    /// `None` where nothing may be read.
    pub(super) cx: Option<&'a mut Context<'b>>,
    pub(super) outbox: &'a mut Outbox,
    /// Bytes in the outbox from which on the codec has to wait.
    pub(super) room: usize,
}

impl<S: AsyncRead + Unpin> Read for Polled<'_, '_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let Some(cx) = &mut self.cx else { return Err(ErrorKind::WouldBlock.into()) };
        let mut buffer = ReadBuf::new(buffer);
        match Pin::new(&mut *self.io).poll_read(cx, &mut buffer) {
            Poll::Ready(result) => result.map(|()| buffer.filled().len()),
            Poll::Pending => Err(ErrorKind::WouldBlock.into()),
        }
    }
}

impl<S> Write for Polled<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        if self.outbox.len() >= self.room {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.outbox.copy(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
