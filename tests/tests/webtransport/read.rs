//! What a client reads of a session, line by line.

use quinn::RecvStream;

use crate::client::{Http, STATUS_200, Session, frame, patient, varint};

const DATA: u64 = 0;

impl Http {
    /// The status of a GET is 200.
    pub(crate) async fn lives(&self) -> bool {
        let fields =
            [(":method", "GET"), (":scheme", "https"), (":authority", "x"), (":path", "/live")];
        let (mut send, mut receive) = self.ask(&fields).await;
        send.finish().expect("open");
        frame(&mut receive).await.is_some_and(|(_, block)| block.get(2) == Some(&STATUS_200))
    }
}

impl Session {
    /// The next stream that the gateway opened for a session, behind its prefix.
    pub(crate) async fn stream(&self) -> RecvStream {
        loop {
            let mut stream = patient(self.quic.accept_uni()).await.expect("connected");
            let kind = varint(&mut stream).await.expect("a type");
            if kind == 0x54 {
                assert_eq!(varint(&mut stream).await, Some(self.id));
                return stream;
            }
        }
    }

    /// How the gateway ends the session: code and reason.
    pub(crate) async fn end(&mut self) -> (u32, String) {
        let (kind, capsule) = frame(&mut self.receive).await.expect("a frame");
        assert_eq!((kind, &capsule[..2]), (DATA, &[0x68, 0x43][..]));
        let (code, reason) = capsule[3..].split_first_chunk().expect("a code");
        assert_eq!(frame(&mut self.receive).await, None);
        (u32::from_be_bytes(*code), String::from_utf8(reason.to_vec()).expect("text"))
    }
}

/// The next line.
pub(crate) async fn line(stream: &mut RecvStream) -> Option<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        patient(stream.read_exact(&mut byte)).await.ok()?;
        if byte == *b"\n" {
            return String::from_utf8(line).ok();
        }
        line.push(byte[0]);
    }
}
