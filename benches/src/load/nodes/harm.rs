//! What is done to wake-ups.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;

use crate::target::Server;

/// How often connections are cut.
const PERIOD: Duration = Duration::from_millis(200);

/// What goes wrong with pub/sub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Harm {
    /// Nothing.
    None,
    /// Subscribing connections are cut, five times a second.
    Cut,
    /// Nobody may subscribe.
    Forbidden,
}

/// Cuts subscribing connections until it is dropped.
#[derive(Debug)]
pub(super) struct Cutter {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Cutter {
    pub(super) fn start(server: &Server) -> io::Result<Self> {
        let mut redis = server.connect()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                if redis.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]).is_err() {
                    return;
                }
                std::thread::park_timeout(PERIOD);
            }
        });
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It can't panic.
            let _ = thread.join();
        }
    }
}
