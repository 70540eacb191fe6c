//! The task that does what the machine asks for.

use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;

use tidegate_protocol::duplex::GatewayFrame;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

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
    let (outs, tasks) = (HashMap::new(), JoinSet::new());
    let mut driver = Driver { state, dialer, tokens, sender, outs, tasks };
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
    outs: HashMap<ConnId, mpsc::Sender<String>>,
    tasks: JoinSet<()>,
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
                self.outs.insert(id, out);
                let (dialer, sender) = (Arc::clone(&self.dialer), self.sender.clone());
                self.tasks.spawn(async move { socket::run(id, &dialer, texts, sender).await });
            }
            Action::Send(id, text) => {
                let full = self.outs.get(&id).is_some_and(|out| out.try_send(text).is_err());
                if full && self.outs.remove(&id).is_some() {
                    let now = self.state.now();
                    self.state.machine.lock().handle_closed(id, None, "it takes nothing", now);
                }
            }
            Action::Close(id) => drop(self.outs.remove(&id)),
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

    fn follower(&self, key: Key) -> Option<Arc<Follower>> {
        self.state.followers.lock().get(&key).and_then(std::sync::Weak::upgrade)
    }

    fn handle(&mut self, input: Input) {
        let now = self.state.now();
        let mut machine = self.state.machine.lock();
        match input {
            Input::Dialed(id) => machine.handle_dialed(id, now),
            Input::DialFailed(id, error) => {
                self.outs.remove(&id);
                let fatal = !error.retry;
                machine.handle_dial_failed(id, error, fatal, now);
            }
            Input::Frame(id, frame) => machine.handle_frame(id, frame, now),
            Input::Closed(id, code, why) => {
                self.outs.remove(&id);
                machine.handle_closed(id, code, &why, now);
            }
            Input::Token(session, token) => machine.handle_token(&session, token, now),
        }
    }
}
