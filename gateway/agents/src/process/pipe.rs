//! What a pipe holds right now.

use std::os::fd::AsFd;

use rustix::io::{Errno, ioctl_fionread, read};

/// Hands on what is in `pipe` at this moment, and nothing that is written later. Does not wait,
/// and does not ask the reactor, which may not know yet that something is there.
pub(super) fn drain(pipe: impl AsFd, mut sink: impl FnMut(&[u8])) {
    let mut left = ioctl_fionread(&pipe).unwrap_or(0);
    let mut buffer = [0; 4096];
    while left > 0 {
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        match read(&pipe, &mut buffer[..want]) {
            Ok(0) => return,
            Ok(count) => {
                sink(&buffer[..count]);
                left = left.saturating_sub(count as u64);
            }
            Err(Errno::INTR) => {}
            Err(_) => return,
        }
    }
}
