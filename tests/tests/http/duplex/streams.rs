//! A WebTransport session as one sequence of frames, whatever stream they came on.

use std::net::SocketAddr;

use quinn::{Connection, RecvStream, SendStream, TransportConfig};
use serde_json::Value;
use tidegate_protocol::duplex::{GatewayFrame, PATH};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::sync::mpsc;

use crate::duplex::pipe::End;
use crate::duplex::webtransport::{Http, Session};

/// A unidirectional stream of WebTransport.
const STREAM: u64 = 0x54;
const CLOSE: u64 = 0x2843;

type Read = Result<String, End>;

/// See the module.
pub(crate) struct Streams {
    control: SendStream,
    read: mpsc::Receiver<Read>,
    _http: Http,
}

impl Streams {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let http = Http::connect(address, TransportConfig::default()).await;
        let session = http.session(PATH).await.expect("a session");
        let (control, answers) = session.open().await;
        let (sink, read) = mpsc::channel(1);
        tokio::spawn(read_all(session, answers, sink));
        Self { control, read, _http: http }
    }

    /// A failure shows when an answer is read.
    pub(crate) async fn send(&mut self, text: &[u8]) {
        let _ = self.control.write_all(&[text, b"\n"].concat()).await;
    }

    pub(crate) async fn next(&mut self) -> Read {
        self.read.recv().await.unwrap_or(Err(None))
    }
}

async fn read_all(session: Session, answers: RecvStream, sink: mpsc::Sender<Read>) {
    let Session { quic, id, receive, send } = session;
    let incoming = tokio::spawn(accept(quic, id, sink.clone()));
    let control = async {
        let mut lines = BufReader::new(answers).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if sink.send(Ok(line)).await.is_err() {
                return;
            }
        }
    };
    let ((), end) = tokio::join!(control, end(receive));
    drop(send);
    incoming.abort();
    let _ = sink.send(Err(end)).await;
}

/// Reads each stream of the session `id` that the gateway opens.
async fn accept(quic: Connection, id: u64, sink: mpsc::Sender<Read>) {
    // Those of HTTP/3 itself must not be stopped.
    let mut others = Vec::new();
    while let Ok(mut stream) = quic.accept_uni().await {
        if varint(&mut stream).await == Some(STREAM) {
            assert_eq!(varint(&mut stream).await, Some(id));
            tokio::spawn(subscription(stream, sink.clone()));
        } else {
            others.push(stream);
        }
    }
}

/// All frames of one stream are of one subscription, whose id comes first.
async fn subscription(stream: RecvStream, sink: mpsc::Sender<Read>) {
    let mut lines = BufReader::new(stream).lines();
    let Ok(Some(head)) = lines.next_line().await else { return };
    let GatewayFrame::Stream { id } = GatewayFrame::parse(&head).expect("a frame") else {
        panic!("the first line is {head}");
    };
    while let Ok(Some(line)) = lines.next_line().await {
        // One that was given up may end within a line.
        let Ok(frame) = serde_json::from_str::<Value>(&line) else { return };
        assert_eq!(frame["id"], id);
        if sink.send(Ok(line)).await.is_err() {
            return;
        }
    }
}

/// What the gateway says at the end of the session.
async fn end(mut receive: RecvStream) -> End {
    // The type and length of a frame, then those of the capsule in it.
    let _data = (varint(&mut receive).await?, varint(&mut receive).await?);
    let (kind, length) = (varint(&mut receive).await?, varint(&mut receive).await?);
    assert_eq!(kind, CLOSE);
    let mut capsule = vec![0; usize::try_from(length).expect("short")];
    receive.read_exact(&mut capsule).await.ok()?;
    let (code, reason) = capsule.split_first_chunk().expect("a code");
    let code = u16::try_from(u32::from_be_bytes(*code)).expect("a code of the binding");
    Some((code, String::from_utf8(reason.to_vec()).expect("text")))
}

async fn varint(stream: &mut RecvStream) -> Option<u64> {
    let first = stream.read_u8().await.ok()?;
    let mut value = u64::from(first & 0x3f);
    for _ in 1..(1 << (first >> 6)) {
        value = value << 8 | u64::from(stream.read_u8().await.ok()?);
    }
    Some(value)
}
