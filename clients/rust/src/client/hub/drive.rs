//! The task that does what the machine asks for.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tidegate_protocol::duplex::GatewayFrame;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, sleep_until};

use super::dial::Dialer;
use super::handle::State;
use super::socket;
use crate::client::error::Error;
use crate::client::follower::Follower;
use crate::client::machine::{Action, ConnId, Key};
use crate::client::tokens::Tokens;

/// What waits between the connections and the driver.
const INPUTS: usize = 64;
/// Frames that wait to be written on one connection.
const UNSENT: usize = 4_096;
/// How long the last frames of a connection that is left may take.
const LINGER: Duration = Duration::from_secs(5);

/// What comes back.
pub(super) enum Input {
    Dialed(ConnId),
    DialFailed(ConnId, Error),
    Frame(ConnId, GatewayFrame),
    Closed(ConnId, Option<u16>, String),
    Token(String, Result<String, Error>),
}

/// Runs until it is aborted; its connections end with it.
pub(super) async fn drive(state: Arc<State>, dialer: Arc<Dialer>, tokens: Arc<Tokens>) {
    let (sender, mut inputs) = mpsc::channel(INPUTS);
    let (lines, tasks) = (HashMap::new(), JoinSet::new());
    let mut driver = Driver { state, dialer, tokens, sender, lines, tasks };
    loop {
        driver.act();
        let next = driver.state.machine.lock().next_time();
        let next = next.map(|time| driver.state.at(time));
        let due = async {
            match next {
                Some(next) => sleep_until(next).await,
                None => pending().await,
            }
        };
        tokio::select! {
            Some(input) = inputs.recv() => {
                driver.handle(input);
                while let Ok(input) = inputs.try_recv() {
                    driver.handle(input);
                }
            }
            () = driver.state.nudge.notified() => {}
            () = due => {}
        }
        let now = driver.state.now();
        driver.state.machine.lock().handle_time(now);
        while driver.tasks.try_join_next().is_some() {}
    }
}

struct Driver {
    state: Arc<State>,
    dialer: Arc<Dialer>,
    tokens: Arc<Tokens>,
    sender: mpsc::Sender<Input>,
    lines: HashMap<ConnId, Line>,
    tasks: JoinSet<()>,
}

struct Line {
    out: mpsc::Sender<String>,
    task: AbortHandle,
}

impl Driver {
    fn act(&mut self) {
        loop {
            let action = self.state.machine.lock().poll_action();
            match action {
                Some(action) => self.carry_out(action),
                None => return,
            }
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Dial(id) => {
                let (out, texts) = mpsc::channel(UNSENT);
                let (dialer, sender) = (Arc::clone(&self.dialer), self.sender.clone());
                let running = async move { socket::run(id, &dialer, texts, sender).await };
                let task = self.tasks.spawn(running);
                self.lines.insert(id, Line { out, task });
            }
            Action::Send(id, text) => {
                // Where it is closed, its end is on its way here.
                let sent = self.lines.get(&id).map(|line| line.out.try_send(text));
                if let Some(Err(TrySendError::Full(_))) = sent {
                    self.leave(id);
                    let now = self.state.now();
                    self.state.machine.lock().handle_closed(id, None, "it takes nothing", now);
                }
            }
            Action::Close(id) => self.leave(id),
            Action::Token { session, stale } => {
                let (tokens, sender) = (Arc::clone(&self.tokens), self.sender.clone());
                self.tasks.spawn(async move {
                    let token = tokens.other_than(&session, stale.as_deref()).await;
                    let _ = sender.send(Input::Token(session, token)).await;
                });
            }
            Action::Opened(key) => {
                if let Some(follower) = self.follower(key) {
                    follower.handle_opened(key);
                }
            }
            Action::FallBack(key) => {
                if let Some(follower) = self.follower(key) {
                    follower.handle_fall_back();
                }
            }
            Action::Appended(key, outcome) => {
                let waiting = self.state.waiting.lock().remove(&key);
                if let Some(tell) = waiting {
                    // Who does not wait any more does not want to know.
                    let _ = tell.send(outcome);
                }
            }
        }
    }

    fn leave(&mut self, id: ConnId) {
        if let Some(Line { out, task }) = self.lines.remove(&id) {
            drop(out);
            self.tasks.spawn(async move {
                sleep(LINGER).await;
                task.abort();
            });
        }
    }

    fn follower(&self, key: Key) -> Option<Arc<Follower>> {
        self.state.followers.lock().get(&key).and_then(std::sync::Weak::upgrade)
    }

    fn handle(&mut self, input: Input) {
        let now = self.state.now();
        let mut machine = self.state.machine.lock();
        match input {
            Input::Dialed(id) => machine.handle_dialed(id, now),
            Input::DialFailed(id, error) => {
                self.lines.remove(&id);
                let fatal = !error.retry;
                machine.handle_dial_failed(id, error, fatal, now);
            }
            Input::Frame(id, frame) => machine.handle_frame(id, frame, now),
            Input::Closed(id, code, why) => {
                self.lines.remove(&id);
                machine.handle_closed(id, code, &why, now);
            }
            Input::Token(session, token) => machine.handle_token(&session, token, now),
        }
    }
}
