//! An S2 writer of the tests: credentials, and appends in each encoding.

use bytes::Bytes;
use http_body_util::Full;
use serde_json::{Value, json};
use tidegate_core::access::RunIdentity;
use tidegate_core::seams::store::LeaseRequest;
use tidegate_protocol::ids::SessionKey;
use tidegate_protocol::s2::frame::encode;
use tidegate_protocol::s2::{AppendInput, InputRecord, proto};

use crate::client::{Answer, Client, Wire, whole};
use crate::harness::Gate;

pub(crate) const JSON: &str = "application/json";
pub(crate) const PROTOBUF: &str = "application/protobuf";
pub(crate) const FRAMES: &str = "s2s/proto";

/// Someone with write credentials.
pub(crate) struct Writer {
    client: Client,
    pub(crate) path: String,
}

impl Writer {
    /// The bearer of `credentials`, an answer of `PUT …/out`.
    pub(crate) fn of(gate: &Gate, credentials: &Answer) -> Self {
        assert_eq!(credentials.status, 202, "{}", credentials.text());
        let header = |name| credentials.header(name).expect("a header").to_owned();
        let stream = header("x-s2-stream-name").replace('/', "%2F");
        Self {
            client: gate.as_bearer(&header("x-s2-access-token")),
            path: format!("/s2/v1/streams/{stream}/records"),
        }
    }

    /// With the secret key.
    pub(crate) async fn guest(gate: &Gate, session: &str) -> Self {
        Self::of(gate, &put(&gate.client(), session).await)
    }

    pub(crate) async fn append(&self, kind: &str, body: Vec<u8>) -> Answer {
        send(&self.client, &self.path, kind, body).await
    }

    /// Over another kind of connection.
    pub(crate) async fn over(&self, gate: &Gate, wire: Wire, kind: &str, body: Vec<u8>) -> Answer {
        let listener = usize::from(matches!(wire, Wire::TlsH1 | Wire::TlsH2));
        let client = self.client.over(wire, gate.server.local_addrs()[listener]);
        send(&client, &self.path, kind, body).await
    }

    pub(crate) async fn json(&self, records: Value) -> Answer {
        self.append(JSON, json!({ "records": records }).to_string().into_bytes()).await
    }
}

/// Asks for write credentials.
pub(crate) async fn put(client: &Client, session: &str) -> Answer {
    client.call("PUT", &format!("/realtime/v1/sessions/{session}/out"), &[], "").await
}

/// Posts bytes of any kind.
pub(crate) async fn send(client: &Client, path: &str, kind: &str, body: Vec<u8>) -> Answer {
    let mut request = client.request("POST", path, &[], "").map(|_| Full::new(Bytes::from(body)));
    request.headers_mut().insert("content-type", kind.parse().expect("a header"));
    whole(client.connect().await.send(request).await).await
}

/// A data record as the SDK writes it.
pub(crate) fn chunk(id: &str) -> InputRecord {
    let body = format!(r#"{{"data":{{"type":"text-delta","id":"t","delta":"{id}"}},"id":"{id}"}}"#);
    InputRecord { body: body.into(), ..InputRecord::default() }
}

/// In protobuf.
pub(crate) fn message(records: &[InputRecord]) -> Vec<u8> {
    proto::encode_input(&AppendInput { records: records.to_vec(), ..AppendInput::default() })
}

/// In protobuf, framed.
pub(crate) fn framed(records: &[InputRecord]) -> Vec<u8> {
    encode(&message(records))
}

/// As JSON has it.
pub(crate) fn shown(record: &InputRecord) -> Value {
    json!({"body": std::str::from_utf8(&record.body).expect("text")})
}

/// Frames of an answer: flags, then body.
pub(crate) fn frames(mut body: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while let [a, b, c, flags, rest @ ..] = body {
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        frames.push((*flags, rest[..length - 1].to_vec()));
        body = &rest[length - 1..];
    }
    frames
}

/// First seq and the one behind the last, of each acknowledgement.
pub(crate) fn acks(body: &[u8]) -> Vec<(u64, u64)> {
    let seqs = |(flags, body): (u8, Vec<u8>)| {
        assert_eq!(flags, 0, "{:?}", String::from_utf8_lossy(&body));
        seqs_of(body.into())
    };
    frames(body).into_iter().map(seqs).collect()
}

/// First seq and the one behind the last.
pub(crate) fn seqs_of(ack: Bytes) -> (u64, u64) {
    let ack = proto::decode_ack(ack).expect("an AppendAck");
    assert_eq!(ack.tail, ack.end);
    (ack.start.seq_num, ack.end.seq_num)
}

/// Makes `holder` the run of a session, and answers its token and fence.
pub(crate) async fn run(gate: &Gate, session: &str, holder: &str) -> (String, u64) {
    let session = SessionKey::new("dev", session);
    let take = LeaseRequest::Take { holder: holder.to_owned(), ttl_ms: 60_000 };
    let fence = gate.gateway.store().lease(&session, take).await.expect("a free lease").fence;
    let identity = RunIdentity { run: holder.into(), session, fence, attempt: 1 };
    let token = gate.gateway.access().mint_run_token("dev", &identity).expect("a key");
    (token, fence)
}

/// Bodies of `.out`, from its replay floor on.
pub(crate) async fn out(gate: &Gate, session: &str) -> Vec<Value> {
    let path = format!("/realtime/v1/sessions/{session}/out/records");
    let page = gate.client().get(&path).await.json();
    page["records"].as_array().expect("records").clone()
}
