//! From an upstream event stream to an answer: what was ready in one read is one item.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use tidegate_core::seams::backend::{AnswerStream, BackendError, BackendFault, Chunk};
use tidegate_protocol::limits::{ANSWER_MAX_BYTES, RECORD_MAX_BYTES};
use tidegate_protocol::sse::decode::Decoder;

use super::body::Body;
use super::client::Client;

/// What is looked at to tell an event stream from an error page.
const SNIFF_BYTES: usize = 1024;

/// Turns the data of upstream events into chunks.
pub(crate) trait Translate: Send + 'static {
    /// One event's data. Nothing is read after [`Flow::Done`].
    fn event(&mut self, data: &Bytes, out: &mut Vec<Chunk>) -> Result<Flow, Broken>;

    /// The body ended before [`Flow::Done`].
    fn end(&mut self, out: &mut Vec<Chunk>) -> Result<(), Broken>;
}

/// Does the answer go on?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    More,
    Done,
}

/// What is wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    pub(crate) kind: BackendFault,
    pub(crate) reason: String,
}

impl Broken {
    /// It is not an answer.
    pub(crate) fn invalid(reason: impl Into<String>) -> Self {
        Self { kind: BackendFault::Invalid, reason: reason.into() }
    }

    /// It is not whole.
    pub(crate) fn cut_off(reason: impl Into<String>) -> Self {
        Self { kind: BackendFault::Unavailable, reason: reason.into() }
    }
}

/// Posts `request` when the stream is first polled and relays what comes back.
pub(crate) fn relay(
    client: Arc<Client>,
    request: Bytes,
    translate: impl Translate,
) -> AnswerStream {
    let relay = Relay {
        client,
        state: State::Idle(request),
        decoder: Decoder::new(RECORD_MAX_BYTES),
        translate,
        bytes: 0,
    };
    Box::pin(stream::unfold(relay, |mut relay| async move {
        relay.next().await.map(|item| (item, relay))
    }))
}

struct Relay<T> {
    client: Arc<Client>,
    state: State,
    decoder: Decoder,
    translate: T,
    bytes: usize,
}

enum State {
    Idle(Bytes),
    Reading(Box<Body>),
    /// An error that follows chunks which came before it.
    Failed(BackendError),
    Over,
}

impl<T: Translate> Relay<T> {
    async fn next(&mut self) -> Option<Result<Vec<Chunk>, BackendError>> {
        let mut chunks = Vec::new();
        loop {
            let stepped = match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return None,
                State::Failed(error) => return Some(Err(error)),
                State::Idle(request) => self.start(request, &mut chunks).await,
                State::Reading(body) => self.step(body, &mut chunks).await,
            };
            let counted = stepped.and_then(|()| self.count(&chunks));
            match counted {
                Err(error) if chunks.is_empty() => {
                    self.state = State::Over;
                    return Some(Err(error));
                }
                Err(error) => self.state = State::Failed(error),
                Ok(()) => {}
            }
            if !chunks.is_empty() {
                return Some(Ok(chunks));
            }
        }
    }

    async fn start(&mut self, request: Bytes, out: &mut Vec<Chunk>) -> Result<(), BackendError> {
        let reply = self.client.post(request).await?;
        let mut body = Box::new(reply.body);
        if reply.media_type == "text/event-stream" {
            self.state = State::Reading(body);
            return Ok(());
        }
        // Many routes forget the media type: what came decides.
        let mut parts = Vec::new();
        body.read(&mut parts).await?;
        if starts_like_events(parts.first().map_or(&[], |part| part)) {
            return self.take(body, &parts, out);
        }
        let mut text = parts.concat();
        while text.len() < SNIFF_BYTES && !parts.is_empty() {
            parts.clear();
            body.read(&mut parts).await?;
            parts.iter().for_each(|part| text.extend_from_slice(part));
        }
        let media_type = match reply.media_type.as_str() {
            "" => "no media type",
            other => other,
        };
        let excerpt = self.client.namer.excerpt(&text);
        let reason = format!("answered {media_type}, not an event stream: {excerpt}");
        Err(self.client.error(BackendFault::Invalid, &reason))
    }

    async fn step(
        &mut self,
        mut body: Box<Body>,
        out: &mut Vec<Chunk>,
    ) -> Result<(), BackendError> {
        let mut parts = Vec::new();
        body.read(&mut parts).await?;
        self.take(body, &parts, out)
    }

    /// Translates what was read; nothing is the end of the body.
    fn take(
        &mut self,
        body: Box<Body>,
        parts: &[Bytes],
        out: &mut Vec<Chunk>,
    ) -> Result<(), BackendError> {
        for part in parts {
            self.decoder.push(part);
            if self.translate_ready(out)? == Flow::Done {
                body.release();
                return Ok(());
            }
        }
        if !parts.is_empty() {
            self.state = State::Reading(body);
            return Ok(());
        }
        body.release();
        // Some backends forget the last blank line. What is then no event was cut off.
        self.decoder.push(&Bytes::from_static(b"\n\n"));
        match self.translate_ready(out) {
            Ok(Flow::Done) => Ok(()),
            Ok(Flow::More) => {
                let ended = self.translate.end(out);
                ended.map_err(|broken| self.name(&broken))
            }
            Err(_) => {
                let reason = "cut its answer off in the middle of an event";
                Err(self.client.error(BackendFault::Unavailable, reason))
            }
        }
    }

    fn translate_ready(&mut self, out: &mut Vec<Chunk>) -> Result<Flow, BackendError> {
        while let Some(event) = self.decoder.next() {
            let event = event.map_err(|error| self.name(&Broken::invalid(error.to_string())))?;
            let flow = self.translate.event(&event.data, out);
            if flow.map_err(|broken| self.name(&broken))? == Flow::Done {
                return Ok(Flow::Done);
            }
        }
        Ok(Flow::More)
    }

    fn count(&mut self, chunks: &[Chunk]) -> Result<(), BackendError> {
        self.bytes += chunks.iter().map(|chunk| chunk.raw.len()).sum::<usize>();
        if self.bytes <= ANSWER_MAX_BYTES {
            return Ok(());
        }
        let reason = format!("answer is larger than {ANSWER_MAX_BYTES} bytes");
        Err(self.client.error(BackendFault::Invalid, &reason))
    }

    fn name(&self, broken: &Broken) -> BackendError {
        self.client.error(broken.kind, &broken.reason)
    }
}

/// An error page or JSON never does. The bytes may be few.
fn starts_like_events(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let fields: [&[u8]; 5] = [b"data:", b"event:", b"id:", b"retry:", b":"];
    fields.iter().any(|field| bytes.starts_with(field) || field.starts_with(bytes))
}
