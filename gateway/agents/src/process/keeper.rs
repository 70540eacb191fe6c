//! The task that owns a child from its start until nothing of it is left.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use rustix::process::Signal;
use tidegate_core::seams::backend::TurnRequest;
use tidegate_protocol::limits::PROCESS_GRACE_MS;
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStdin, ChildStdout};
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::timeout;

use super::group::{Ending, Group};
use super::launch::Launch;
use super::request;
use super::stderr::Stderr;

const GRACE: Duration = Duration::from_millis(PROCESS_GRACE_MS);

/// The answer's side of a child.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) stdout: ChildStdout,
    /// Comes once, when the command has ended. Dropping it ends the child.
    pub(super) exit: oneshot::Receiver<Exit>,
}

/// The end of a command.
#[derive(Debug)]
pub(super) struct Exit {
    pub(super) ending: Ending,
    /// Last lines of its error output.
    pub(super) complaint: String,
}

/// Starts a child for `request`; `permit` is given back when it is gone.
pub(super) fn start(
    launch: &Launch,
    request: &TurnRequest,
    permit: OwnedSemaphorePermit,
) -> io::Result<Started> {
    // Listens before there is a child, so that no death is missed.
    let deaths = unix::signal(SignalKind::child())?;
    let mut child = launch.spawn(request::variables(request))?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err(io::Error::other("it has no pipes"));
    };
    let keeper = Keeper { group: Group::new(child), deaths, stderr: Stderr::new(stderr) };
    let (tell, exit) = oneshot::channel();
    let line = request::line(request);
    tokio::spawn(async move {
        keeper.keep(stdin, line, tell).await;
        drop(permit);
    });
    Ok(Started { stdout, exit })
}

struct Keeper {
    group: Group,
    deaths: unix::Signal,
    stderr: Stderr,
}

impl Keeper {
    async fn keep(mut self, stdin: ChildStdin, line: Bytes, mut tell: oneshot::Sender<Exit>) {
        let ending = self.serve(stdin, line, &mut tell).await;
        self.group.signal(Signal::TERM);
        if let Some(ending) = ending {
            let complaint = self.stderr.last_lines();
            // Whoever asked may have left just now.
            let _ = tell.send(Exit { ending, complaint });
        }
        // Too late is what the kill is for.
        let _ = timeout(GRACE, self.leave(ending.is_some())).await;
        self.group.end().await;
    }

    /// Feeds and watches the child until the command ends, or nobody wants the answer any more.
    async fn serve(
        &mut self,
        stdin: ChildStdin,
        line: Bytes,
        tell: &mut oneshot::Sender<Exit>,
    ) -> Option<Ending> {
        let mut feeding = Box::pin(feed(stdin, line));
        let mut held = None;
        loop {
            tokio::select! {
                biased;
                () = tell.closed() => return None,
                _ = self.deaths.recv() => {
                    if let Some(ending) = self.group.ended() {
                        return Some(ending);
                    }
                }
                () = self.stderr.read(), if !self.stderr.is_over() => {}
                stdin = &mut feeding, if held.is_none() => held = Some(stdin),
            }
        }
    }

    /// Waits until the command has ended and nobody holds its error output.
    async fn leave(&mut self, ended: bool) {
        let mut ended = ended || self.group.ended().is_some();
        while !ended || !self.stderr.is_over() {
            tokio::select! {
                _ = self.deaths.recv(), if !ended => ended = self.group.ended().is_some(),
                () = self.stderr.read(), if !self.stderr.is_over() => {}
            }
        }
    }
}

/// Writes the turn and gives the pipe back, so that it stays open.
async fn feed(mut stdin: ChildStdin, line: Bytes) -> ChildStdin {
    // A child that does not read may be right to do so; its exit says how the answer went.
    let _ = stdin.write_all(&line).await;
    stdin
}
