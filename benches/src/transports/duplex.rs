//! The duplex binding, whatever carries its frames.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use tidegate_protocol::duplex::{ClientFrame, Hello};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, sleep_until};

use super::Tally;
use super::subs::Subs;
use super::task::Task;
use crate::net::KEY;

/// The gateway closes a connection from which it hears nothing for three times as long.
const PULSE: Duration = Duration::from_secs(10);
/// Requests that wait to be sent.
const COMMANDS: usize = 64;

/// Carries frames both ways. Dropping `next` loses nothing.
pub(super) trait Pipe: 'static {
    async fn next(&mut self) -> io::Result<Bytes>;
    async fn send(&mut self, frames: &[String]) -> io::Result<()>;
}

/// One connection.
#[derive(Debug)]
pub(super) struct Duplex {
    commands: mpsc::Sender<String>,
    subs: Rc<Subs>,
    _driver: Task,
}

impl Duplex {
    /// Says `hello` together with what follows.
    pub(super) fn over(pipe: impl Pipe, subs: &Rc<Subs>, tally: &Rc<Tally>) -> Self {
        let (commands, waiting) = mpsc::channel(COMMANDS);
        let _driver = Task::fallible(tally, drive(pipe, subs.clone(), waiting));
        Self { commands, subs: subs.clone(), _driver }
    }

    /// Does not wait for the answer.
    pub(super) async fn follow(&self, session: u32, name: &str, first: u32) -> io::Result<()> {
        let request = self.subs.add(session, name, first);
        self.commands.send(request).await.map_err(io::Error::other)
    }

    /// Waits until the gateway has answered `hello`; once.
    pub(super) async fn warm(&self) {
        self.subs.welcome.notified().await;
    }
}

async fn drive(
    mut pipe: impl Pipe,
    subs: Rc<Subs>,
    mut commands: mpsc::Receiver<String>,
) -> io::Result<()> {
    let mut pulse = interval_at(Instant::now() + PULSE, PULSE);
    let mut frames = vec![ClientFrame::Hello(Hello { token: Some(KEY.to_owned()) }).to_json()];
    loop {
        while let Ok(more) = commands.try_recv() {
            frames.push(more);
        }
        subs.acks(&mut frames);
        if !frames.is_empty() {
            pipe.send(&frames).await?;
            frames.clear();
        }
        tokio::select! {
            frame = pipe.next() => frames.extend(subs.handle(&frame?)?),
            Some(command) = commands.recv() => frames.push(command),
            () = subs.changed.notified() => {}
            () = due(subs.ack_at()) => {}
            _ = pulse.tick() => frames.push(ClientFrame::Pong.to_json()),
        }
    }
}

async fn due(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
