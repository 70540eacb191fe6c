//! The gateway as the spec has it, and the network to it: whole frames, in order, until a cut.

use std::collections::{BTreeMap, VecDeque};

use tidegate_protocol::duplex::window::Window;
use tidegate_protocol::duplex::{
    Acked, ClientFrame, ErrorFrame, GatewayFrame, Pulse, Subscribe, Welcome,
};
use tidegate_protocol::{ApiError, ErrorCode, NewRecord, Record};

use crate::client::machine::ConnId;

/// Sessions and connections.
#[derive(Default)]
pub(super) struct Gateway {
    pub(super) logs: BTreeMap<String, Vec<Record>>,
    pub(super) inputs: BTreeMap<String, Vec<String>>,
    pub(super) lines: BTreeMap<ConnId, Line>,
    /// The only token that is taken for a session, if that matters.
    pub(super) tokens: BTreeMap<String, String>,
    parts: BTreeMap<(String, String), u64>,
}

/// One connection: what is on its way in both directions.
#[derive(Default)]
pub(super) struct Line {
    pub(super) up: VecDeque<String>,
    pub(super) down: VecDeque<String>,
    subs: BTreeMap<u64, Sub>,
    credentials: BTreeMap<String, String>,
}

struct Sub {
    session: String,
    next: u64,
    window: Window,
}

impl Gateway {
    pub(super) fn write(&mut self, session: &str, count: u64) {
        let log = self.logs.entry(session.to_owned()).or_default();
        for _ in 0..count {
            let seq = log.len() as u64;
            let text = format!("{{\"type\":\"x\",\"n\":{seq}}}");
            log.push(NewRecord::data(text.as_bytes(), "p").at(seq, seq));
        }
    }

    /// Reads the next frame of a client.
    pub(super) fn hear(&mut self, id: ConnId) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        let Some(text) = line.up.pop_front() else { return };
        match ClientFrame::parse(&text).expect("a frame") {
            ClientFrame::Hello(_) => line.say(&GatewayFrame::Welcome(welcome())),
            ClientFrame::Auth(auth) => {
                line.credentials.insert(auth.session.expect("one"), auth.token);
                line.say(&GatewayFrame::Ack(Acked { id: auth.id, ..Acked::default() }));
            }
            ClientFrame::Subscribe(subscribe) => self.subscribe(id, &subscribe),
            ClientFrame::Unsubscribe(end) => {
                line.subs.remove(&end.id);
                line.say(&GatewayFrame::Ack(Acked { id: end.id, ..Acked::default() }));
            }
            ClientFrame::Append(append) => {
                let part = append.part.expect("a part id");
                let log = self.inputs.entry(append.session.clone()).or_default();
                let next = log.len() as u64;
                let seq = *self.parts.entry((append.session, part)).or_insert(next);
                if seq == next {
                    log.push(append.body);
                }
                line.say(&GatewayFrame::Ack(Acked {
                    id: append.id,
                    seq: Some(seq),
                    ..Acked::default()
                }));
            }
            ClientFrame::Ack { id, seq } => {
                if let Some(sub) = line.subs.get_mut(&id) {
                    sub.window.acknowledge(seq).expect("only what was sent is acknowledged");
                }
            }
            ClientFrame::Ping { n } => {
                line.say(&GatewayFrame::Pong(Pulse { n: Some(n), ..Pulse::default() }));
            }
            ClientFrame::Pong => {}
        }
    }

    fn subscribe(&mut self, id: ConnId, subscribe: &Subscribe) {
        let line = self.lines.get_mut(&id).expect("it is open");
        let wanted = self.tokens.get(&subscribe.session);
        if wanted.is_some() && line.credentials.get(&subscribe.session) != wanted {
            let error = ApiError::new(ErrorCode::Unauthenticated, "expired");
            return line.say(&GatewayFrame::Error(ErrorFrame::new(Some(subscribe.id), error)));
        }
        let tail = self.logs.get(&subscribe.session).map_or(0, |log| log.len() as u64);
        let from = subscribe.after.map_or(0, |after| after + 1);
        let acked =
            Acked { id: subscribe.id, from: Some(from), tail: Some(tail), ..Acked::default() };
        line.say(&GatewayFrame::Ack(acked));
        let window = Window::new(subscribe.window, from);
        let sub = Sub { session: subscribe.session.clone(), next: from, window };
        line.subs.insert(subscribe.id, sub);
    }

    /// Sends at most `most` records of each subscription of a connection.
    pub(super) fn deliver(&mut self, id: ConnId, most: usize) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        let mut frames = Vec::new();
        for (id, sub) in &mut line.subs {
            let Some(log) = self.logs.get(&sub.session) else { continue };
            let next = usize::try_from(sub.next).expect("small").min(log.len());
            let records: Vec<Record> = log[next..].iter().take(most).cloned().collect();
            let bytes = records.iter().map(|record| record.metered_len() as u64).sum();
            if !records.is_empty() && sub.window.has_room_for(bytes) {
                sub.next += records.len() as u64;
                sub.window.sent(sub.next, bytes);
                frames.push(GatewayFrame::Batch { id: *id, records });
            }
        }
        frames.iter().for_each(|frame| line.say(frame));
    }
}

impl Line {
    pub(super) fn say(&mut self, frame: &GatewayFrame) {
        self.down.push_back(frame.to_json());
    }
}

fn welcome() -> Welcome {
    Welcome {
        connection: "c_1".into(),
        protocol: 1,
        now: 0,
        expires_at: None,
        ping_ms: 10_000,
        silence_ms: 30_000,
        subscriptions: 256,
        frame_bytes: 1 << 20,
    }
}
