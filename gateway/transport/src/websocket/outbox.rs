//! What waits to be written. Small pieces are collected; large ones are shared, never copied.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;

/// Pieces up to this size are collected.
const COPIED_MAX_BYTES: usize = 1024;
/// What a transport that copies is given at once. HTTP/2 takes a write whole, whatever its window
/// is, so this bounds what it holds for a peer that does not read.
const PIECE_BYTES: usize = 16 * 1024;
/// Pieces of one vectored write.
const SLICES: usize = 16;

/// See the module. Empty, it holds no memory.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pieces: VecDeque<Bytes>,
    tail: BytesMut,
    bytes: usize,
}

impl Outbox {
    /// Bytes that wait.
    pub(super) fn len(&self) -> usize {
        self.bytes
    }

    pub(super) fn copy(&mut self, piece: &[u8]) {
        self.bytes += piece.len();
        self.tail.extend_from_slice(piece);
    }

    pub(super) fn push(&mut self, piece: Bytes) {
        if piece.len() <= COPIED_MAX_BYTES {
            self.copy(&piece);
        } else {
            self.seal();
            self.bytes += piece.len();
            self.pieces.push_back(piece);
        }
    }

    /// Writes until nothing waits.
    pub(super) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        io: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.seal();
        while self.bytes > 0 {
            let written = ready!(self.poll_some(io, cx))?;
            if written == 0 {
                return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
        *self = Self::default();
        Poll::Ready(Ok(()))
    }

    fn poll_some<S: AsyncWrite + Unpin>(
        &self,
        io: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<std::io::Result<usize>> {
        if io.is_write_vectored() && self.pieces.len() > 1 {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let mut count = 0;
            for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
                *slice = IoSlice::new(piece);
                count += 1;
            }
            return Pin::new(io).poll_write_vectored(cx, &slices[..count]);
        }
        let first = self.pieces.front().map_or(&[][..], |piece| piece);
        let most = if io.is_write_vectored() { first.len() } else { PIECE_BYTES };
        Pin::new(io).poll_write(cx, &first[..first.len().min(most)])
    }

    fn advance(&mut self, mut written: usize) {
        self.bytes -= written;
        while let Some(first) = self.pieces.front_mut() {
            let part = first.len().min(written);
            first.advance(part);
            written -= part;
            if !first.is_empty() {
                break;
            }
            self.pieces.pop_front();
        }
    }

    fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.pieces.push_back(self.tail.split().freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::AsyncReadExt;

    #[tokio::test]
    async fn pieces_come_in_order_through_a_narrow_pipe() {
        let (mut near, mut far) = tokio::io::duplex(700);
        let mut outbox = Outbox::default();
        let mut expected = Vec::new();
        for size in [3, 5_000, 1, 1_024, 0, 1_025, 40_000, 2] {
            let piece = Bytes::from(vec![size as u8; size]);
            expected.extend_from_slice(&piece);
            outbox.push(piece);
        }
        assert_eq!(outbox.len(), expected.len());
        let write = async {
            poll_fn(|cx| outbox.poll_write(&mut near, cx)).await.expect("writes");
            drop(near);
        };
        let mut read = Vec::new();
        let (_, result) = tokio::join!(write, far.read_to_end(&mut read));
        result.expect("reads");
        assert!(read == expected);
        assert_eq!((outbox.len(), outbox.pieces.capacity(), outbox.tail.capacity()), (0, 0, 0));
    }
}
