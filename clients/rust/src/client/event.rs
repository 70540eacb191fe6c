//! What a subscription yields.

use serde_json::Value;
use serde_json::value::RawValue;
use tidegate_protocol::Record;
use tidegate_protocol::control;
use tidegate_protocol::duplex::GapReason;
use tidegate_protocol::record::Envelope;

/// How a subscription is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// Server-sent events over HTTP/1.1, or HTTP/2 where TLS offers it.
    Sse,
    /// The duplex binding over WebSocket.
    WebSocket,
    /// Server-sent events over HTTP/3.
    #[cfg(feature = "http3")]
    Http3,
}

/// One thing that a subscription has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A record, each once, in order of seq.
    Record(Record),
    /// Records can't be delivered any more; what follows begins at `to`.
    Gap {
        /// First seq that is missing.
        from: u64,
        /// First seq that is there.
        to: u64,
        /// Why.
        reason: GapReason,
    },
    /// Records come over this transport from now on.
    Transport(Transport),
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A data record whose `data` is an object with a `type`: a UI message chunk.
    Chunk(Value),
    /// A control record: its kind (R-CTL). Siblings are among the record's headers.
    Control(String),
    /// Any other data: the JSON text of `data`, or the whole body where there is no envelope.
    Raw(String),
}

impl Content {
    /// Reads `record`.
    pub fn of(record: &Record) -> Self {
        if let Some(kind) = control::kind(record) {
            return Self::Control(kind.to_owned());
        }
        let body = String::from_utf8_lossy(&record.body);
        let envelope: Option<Envelope<'_>> = serde_json::from_str(&body).ok();
        let Some(data) = envelope.map(|envelope| envelope.data.0) else {
            return Self::Raw(body.into_owned());
        };
        Self::chunk(data).map_or_else(|| Self::Raw(data.get().to_owned()), Self::Chunk)
    }

    fn chunk(data: &RawValue) -> Option<Value> {
        let value: Value = serde_json::from_str(data.get()).ok()?;
        value.get("type").is_some_and(Value::is_string).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_protocol::NewRecord;

    #[test]
    fn what_records_say() {
        let of = |record: NewRecord| Content::of(&record.at(1, 2));
        let chunk = of(NewRecord::data(br#"{"type":"start"}"#, "p"));
        assert_eq!(chunk, Content::Chunk(serde_json::json!({"type": "start"})));
        let boundary = of(control::boundary(Some(1), Some(2), None));
        assert_eq!(boundary, Content::Control("turn-complete".into()));
        assert_eq!(of(NewRecord::text("hi", "p")), Content::Raw("\"hi\"".into()));
        let bare = NewRecord { headers: Vec::new(), body: "x".into() };
        assert_eq!(of(bare), Content::Raw("x".into()));
    }
}
