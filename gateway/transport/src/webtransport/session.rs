//! A session, as the engine sees it.

use std::fmt;
use std::sync::Arc;

use bytes::BytesMut;
use quinn::Connection;
use tokio::sync::SetOnce;

use super::capsule::put_varint;
use super::control::Control;
use super::hub::Place;
use super::writer::{Cut, Writer};

/// The type of a unidirectional stream of WebTransport.
const STREAM: u64 = 0x54;

/// How a session ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// 0 where its end has no code: a clean end, or the end of the connection.
    pub code: u32,
    /// Why; may be empty.
    pub reason: String,
}

/// One session; may be shared by tasks.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    connection: Connection,
    id: u64,
    place: Place,
    /// What this side says at the end.
    ours: SetOnce<Closed>,
    /// What the other side said, or that it is gone.
    theirs: SetOnce<Closed>,
}

impl Session {
    pub(crate) fn new(connection: Connection, id: u64, place: Place) -> Self {
        let (ours, theirs) = (SetOnce::new(), SetOnce::new());
        Self(Arc::new(Inner { connection, id, place, ours, theirs }))
    }

    /// The control stream, once the client has opened it; for one caller. Frames are lines of at
    /// most `frame_max_bytes`.
    pub async fn control(&self, frame_max_bytes: usize) -> Control {
        Control::new(self.0.place.first().await, frame_max_bytes)
    }

    /// A new stream to the client. Waits while the client lets no more be opened.
    ///
    /// # Errors
    /// [`Cut`] when the connection is gone.
    pub async fn open_stream(&self) -> Result<Writer, Cut> {
        let mut prefix = BytesMut::with_capacity(10);
        put_varint(&mut prefix, STREAM);
        put_varint(&mut prefix, self.0.id);
        let mut writer = Writer::new(self.0.connection.open_uni().await.map_err(|_| Cut)?);
        writer.write(prefix.freeze()).await?;
        Ok(writer)
    }

    /// Ends the session. Only what is said first counts.
    pub fn close(&self, code: u32, reason: &str) {
        _ = self.0.ours.set(Closed { code, reason: reason.to_owned() });
    }

    /// Waits until the client has ended the session, or is gone.
    pub async fn closed(&self) -> Closed {
        self.0.theirs.wait().await.clone()
    }

    /// Waits until this side ends it.
    pub(super) async fn is_to_close(&self) {
        self.0.ours.wait().await;
    }

    /// What this side said; a clean end, if it said nothing.
    pub(super) fn said(&self) -> Closed {
        self.0.ours.get().cloned().unwrap_or_default()
    }

    /// The client has ended it.
    pub(super) fn ended(&self, end: Closed) {
        _ = self.0.theirs.set(end);
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.0.id).finish_non_exhaustive()
    }
}
