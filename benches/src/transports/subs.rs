//! The subscriptions of one connection of the duplex binding.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use tidegate_protocol::duplex::{ClientFrame, GatewayFrame, Subscribe};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Tally;
use crate::net::Scanner;

/// How every batch of the gateway begins; anything else is rare, and parsed.
const BATCH: &[u8] = b"{\"t\":\"batch\",\"id\":";
/// As the browser client of this project has them.
const WINDOW_BYTES: u64 = 256 * 1024;
const ACK_BYTES: usize = 64 * 1024;
const ACK_DELAY: Duration = Duration::from_millis(500);

/// See the module.
#[derive(Debug)]
pub(super) struct Subs {
    subs: RefCell<Vec<Sub>>,
    tally: Rc<Tally>,
    scanner: Scanner,
    ack_at: Cell<Option<Instant>>,
    /// When acknowledgements are due has changed.
    pub(super) changed: Notify,
    /// The gateway has answered `hello`.
    pub(super) welcome: Notify,
}

#[derive(Debug)]
struct Sub {
    reader: usize,
    /// Highest seq that is not acknowledged.
    unacked: Option<u64>,
    /// Bytes of frames since the last acknowledgement.
    taken: usize,
}

impl Subs {
    pub(super) fn new(tally: &Rc<Tally>) -> Self {
        Self {
            subs: RefCell::default(),
            tally: tally.clone(),
            scanner: Scanner::default(),
            ack_at: Cell::default(),
            changed: Notify::new(),
            welcome: Notify::new(),
        }
    }

    /// The request for another one. `first` as for SSE: 0 comes without a cursor.
    pub(super) fn add(&self, session: u32, name: &str, first: u32) -> String {
        let mut subs = self.subs.borrow_mut();
        let request = ClientFrame::Subscribe(Subscribe {
            id: subs.len() as u64,
            session: name.to_owned(),
            channel: None,
            side: None,
            after: first.checked_sub(1).map(u64::from),
            from: None,
            start: None,
            window: Some(WINDOW_BYTES),
            peek: false,
        });
        subs.push(Sub { reader: self.tally.join(session, first), unacked: None, taken: 0 });
        request.to_json()
    }

    /// A frame came; what is to be said at once.
    pub(super) fn handle(&self, frame: &[u8]) -> io::Result<Option<String>> {
        if let Some(rest) = frame.strip_prefix(BATCH) {
            self.batch(frame, rest);
            return Ok(None);
        }
        let text = std::str::from_utf8(frame).map_err(io::Error::other)?;
        match GatewayFrame::parse(text).map_err(io::Error::other)? {
            GatewayFrame::Ping(_) => Ok(Some(ClientFrame::Pong.to_json())),
            GatewayFrame::Welcome(_) => {
                self.welcome.notify_one();
                Ok(None)
            }
            GatewayFrame::Ack(_) | GatewayFrame::Stream { .. } => Ok(None),
            other => Err(io::Error::other(format!("not expected: {other:?}"))),
        }
    }

    fn batch(&self, frame: &[u8], rest: &[u8]) {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
        let id = digits.fold(0, |id, digit| id * 10 + usize::from(digit - b'0'));
        let mut subs = self.subs.borrow_mut();
        let Some(sub) = subs.get_mut(id) else { return };
        self.scanner.scan(frame, |record| {
            self.tally.see(sub.reader, &record);
            sub.unacked = Some(record.seq);
        });
        sub.taken += frame.len();
        let now = Instant::now();
        if sub.taken >= ACK_BYTES {
            self.ack_at.set(Some(now));
        } else if self.ack_at.get().is_none() {
            self.ack_at.set(Some(now + ACK_DELAY));
        }
    }

    /// When [`Subs::acks`] wants to be asked.
    pub(super) fn ack_at(&self) -> Option<Instant> {
        self.ack_at.get()
    }

    /// Adds the acknowledgements that are due.
    pub(super) fn acks(&self, frames: &mut Vec<String>) {
        if self.ack_at.get().is_none_or(|at| at > Instant::now()) {
            return;
        }
        self.ack_at.set(None);
        for (id, sub) in (0..).zip(self.subs.borrow_mut().iter_mut()) {
            if let Some(seq) = sub.unacked.take() {
                sub.taken = 0;
                frames.push(ClientFrame::Ack { id, seq }.to_json());
            }
        }
    }
}
