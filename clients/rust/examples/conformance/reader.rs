//! A subscription, read when it is asked for.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_client::client::{Event, Mode, Start, Subscription, Transport};
use tokio::time::{Instant, timeout_at};

use crate::shown::{Failure, shown};

const NEXT_MS: u64 = 20_000;

/// See the module.
pub(crate) struct Reader {
    /// None once it was ended here.
    subscription: Option<Subscription>,
    waiting: VecDeque<Value>,
    transport: Option<Transport>,
    cursor: Option<u64>,
}

impl Reader {
    pub(crate) fn new(subscription: Subscription, start: Start) -> Self {
        let cursor = match start {
            Start::From(seq) => seq.checked_sub(1),
            Start::Floor | Start::Tail => None,
        };
        let subscription = Some(subscription);
        Self { subscription, waiting: VecDeque::new(), transport: None, cursor }
    }

    /// Until it is read over `transport`, or over any.
    pub(crate) async fn live(&mut self, transport: Option<Transport>) -> Result<(), Failure> {
        while self.transport.is_none() || (transport.is_some() && transport != self.transport) {
            match self.pull().await {
                None => return Err(Failure::failed("the subscription was closed")),
                Some(event) => self.waiting.extend(event?),
            }
        }
        Ok(())
    }

    pub(crate) async fn move_to(&mut self, mode: Mode) -> Result<Value, Failure> {
        let subscription = self.subscription.as_ref();
        subscription.ok_or_else(|| Failure::failed("it has ended"))?.move_to(mode);
        let transport = match mode {
            Mode::Sse => Some(Transport::Sse),
            Mode::Http3 => Some(Transport::Http3),
            Mode::WebSocket => Some(Transport::WebSocket),
            _ => None,
        };
        self.live(transport).await?;
        Ok(json!({}))
    }

    pub(crate) fn state(&self) -> Value {
        let transport = self.transport.map(|transport| match transport {
            Transport::Http3 => "http3",
            Transport::WebSocket => "websocket",
            _ => "sse",
        });
        json!({"cursor": self.cursor, "transport": transport})
    }

    pub(crate) fn close(&mut self) {
        self.subscription = None;
        self.waiting.clear();
    }

    /// The command `next`.
    pub(crate) async fn read(&mut self, asked: &Value) -> Result<Value, Failure> {
        let within = Duration::from_millis(asked["within_ms"].as_u64().unwrap_or(NEXT_MS));
        let until = Instant::now() + within;
        let mut events = Vec::new();
        while !sums_up(&events, asked) {
            let event = match self.waiting.pop_front() {
                Some(event) => Some(Ok(Some(event))),
                None => match timeout_at(until, self.pull()).await {
                    Ok(event) => event,
                    Err(_) => return Ok(json!({"events": events, "timed_out": true})),
                },
            };
            match event {
                None => return Ok(json!({"events": events, "ended": {"kind": "closed_here"}})),
                Some(Err(failure)) => return Ok(json!({"events": events, "ended": failure.0})),
                Some(Ok(None)) => {}
                Some(Ok(Some(event))) => {
                    let lost = event["to"].as_u64().and_then(|to| to.checked_sub(1));
                    self.cursor = event["seq_num"].as_u64().or(lost);
                    events.push(event);
                }
            }
        }
        Ok(json!({"events": events}))
    }

    /// The next event; `None` in it where it is about the transport.
    async fn pull(&mut self) -> Option<Result<Option<Value>, Failure>> {
        match self.subscription.as_mut()?.next().await? {
            Ok(Event::Transport(transport)) => {
                self.transport = Some(transport);
                Some(Ok(None))
            }
            Ok(event) => Some(Ok(shown(&event))),
            Err(error) => Some(Err(error.into())),
        }
    }
}

fn sums_up(events: &[Value], asked: &Value) -> bool {
    if let Some(count) = asked["count"].as_u64() {
        return events.len() as u64 >= count;
    }
    if let Some(boundaries) = asked["boundaries"].as_u64() {
        let is_boundary = |event: &&Value| event["control"]["kind"] == "turn-complete";
        return events.iter().filter(is_boundary).count() as u64 >= boundaries;
    }
    events.last().is_some_and(|event| event["chunk"]["type"] == asked["chunk"])
}
