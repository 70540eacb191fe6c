//! A child that answers, as the answer sees it.

use std::future::pending;

use tokio::io::AsyncReadExt;
use tokio::process::ChildStdout;
use tokio::sync::oneshot;

use super::deadlines::Deadlines;
use super::keeper::{Exit, Started};
use super::lines::Lines;
use super::pipe;

/// Dropping it ends the child.
#[derive(Debug)]
pub(super) struct Running {
    /// `None` once everybody has closed it.
    stdout: Option<ChildStdout>,
    exit: oneshot::Receiver<Exit>,
    deadlines: Deadlines,
}

/// What happens next.
#[derive(Debug)]
pub(super) enum Event {
    /// There is output.
    Output,
    /// The command has ended; all of its output is there. `None` if that is not known for sure.
    Exit(Option<Exit>),
    /// A deadline has passed.
    Late(String),
}

impl Running {
    pub(super) fn new(started: Started, deadlines: Deadlines) -> Self {
        Self { stdout: Some(started.stdout), exit: started.exit, deadlines }
    }

    /// Waits for the next event; output goes to `lines`.
    pub(super) async fn next(&mut self, lines: &mut Lines) -> Event {
        loop {
            tokio::select! {
                biased;
                // First, or a stranger who keeps writing would hide it.
                exit = &mut self.exit => {
                    if let Some(stdout) = &self.stdout {
                        pipe::drain(stdout, |bytes| lines.push(bytes));
                    }
                    return Event::Exit(exit.ok());
                }
                // Before the deadlines: what is there was not late, whoever was slow to ask.
                count = read(&mut self.stdout, lines) => match count {
                    0 => self.stdout = None,
                    _ => {
                        self.deadlines.mark();
                        return self.deadlines.passed().map_or(Event::Output, Event::Late);
                    }
                },
                reason = self.deadlines.wait() => return Event::Late(reason),
            }
        }
    }
}

/// Reads some output; 0 at its end.
async fn read(stdout: &mut Option<ChildStdout>, lines: &mut Lines) -> usize {
    let Some(stdout) = stdout else { return pending().await };
    let count = stdout.read_buf(lines.space()).await.unwrap_or(0);
    lines.took(count);
    count
}
