//! Readiness and one exact timer. epoll's own timeout counts whole milliseconds, which is more
//! than what is measured here; hence the timerfd.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};

const EVENTS: usize = 1024;
const TIMER: u64 = u64::MAX;

/// A socket that can go on.
#[derive(Clone, Copy, Debug)]
pub struct Ready {
    /// The token that it was added with.
    pub token: u64,
    /// Takes bytes again, after it did not.
    pub writable: bool,
    /// Has bytes, or an end.
    pub readable: bool,
}

/// See the module.
pub struct Reactor {
    epoll: OwnedFd,
    timer: OwnedFd,
    armed: Option<Instant>,
    events: Vec<epoll::Event>,
}

// The kernel's event type has no Debug, and would say nothing.
impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactor").field("armed", &self.armed).finish_non_exhaustive()
    }
}

impl Reactor {
    /// An empty one.
    pub fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?;
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&epoll, &timer, epoll::EventData::new_u64(TIMER), flags)?;
        Ok(Self { epoll, timer, armed: None, events: Vec::with_capacity(EVENTS) })
    }

    /// Watches a socket for bytes to read.
    pub fn add(&self, socket: impl AsFd, token: u64) -> io::Result<()> {
        let data = epoll::EventData::new_u64(token);
        Ok(epoll::add(&self.epoll, socket, data, epoll::EventFlags::IN)?)
    }

    /// Watches a socket for room to write as well, or no longer.
    pub fn watch_writable(&self, socket: impl AsFd, token: u64, on: bool) -> io::Result<()> {
        let mut flags = epoll::EventFlags::IN;
        flags.set(epoll::EventFlags::OUT, on);
        Ok(epoll::modify(&self.epoll, socket, epoll::EventData::new_u64(token), flags)?)
    }

    /// Waits for sockets, but not beyond `deadline`; fills `ready`.
    pub fn wait(&mut self, deadline: Option<Instant>, ready: &mut Vec<Ready>) -> io::Result<()> {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let due = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let timeout = match due {
            Some(Duration::ZERO) => Some(&now),
            Some(left) => {
                self.arm(deadline, left)?;
                None
            }
            None => None,
        };
        self.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut self.events), timeout) {
            Err(rustix::io::Errno::INTR) => {}
            result => drop(result?),
        }
        ready.clear();
        ready.extend(self.events.iter().filter_map(|event| {
            let (token, flags) = (event.data.u64(), event.flags);
            let writable = flags.contains(epoll::EventFlags::OUT);
            let readable = flags.intersects(!epoll::EventFlags::OUT);
            (token != TIMER).then_some(Ready { token, writable, readable })
        }));
        Ok(())
    }

    fn arm(&mut self, deadline: Option<Instant>, left: Duration) -> io::Result<()> {
        if self.armed == deadline {
            return Ok(());
        }
        self.armed = deadline;
        let it_value = Timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        let time = Itimerspec { it_interval, it_value };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &time)?;
        Ok(())
    }
}
