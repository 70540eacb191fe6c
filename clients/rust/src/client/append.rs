//! An append, until its outcome is known.

use std::time::Duration;

use tidegate_protocol::duplex::Append;
use tidegate_protocol::limits::{
    APPEND_BODY_MAX_BYTES, DUPLEX_FRAME_MAX_BYTES, FRAME_KEY_TTL_MS, PART_ID_MAX_BYTES,
};
use tokio::time::{Instant, sleep};
use tracing::debug;

use super::error::{Error, OUTBOX_FULL, OUTCOME_UNKNOWN};
use super::http::Ask;
use super::mode::Mode;
use super::session::Session;
use super::shared::OUTBOX_MAX_BYTES;
use crate::link::Backoff;

/// How long an append is repeated: the gateway must still know its part id.
const PATIENCE: Duration = Duration::from_millis(FRAME_KEY_TTL_MS / 2);
/// What an append costs besides its body.
const OVERHEAD_BYTES: usize = 512;

/// Appends `body` to `.in`: its seq.
pub(crate) async fn append(
    session: &Session,
    body: &str,
    part: &str,
    starts_turn: bool,
) -> Result<u64, Error> {
    if body.len() > APPEND_BODY_MAX_BYTES {
        return Err(Error::new("body_too_large", "an input has at most 1 MiB", false));
    }
    if part.len() > PART_ID_MAX_BYTES || http::HeaderValue::try_from(part).is_err() {
        let error = Error::new("invalid_parameter", "not a part id", false);
        return Err(Error { param: Some("X-Part-Id".into()), ..error });
    }
    let bytes = u32::try_from(body.len() + OVERHEAD_BYTES).unwrap_or(u32::MAX);
    let room = session.shared.outbox.try_acquire_many(bytes).map_err(|_| {
        let text = format!("more than {OUTBOX_MAX_BYTES} bytes wait to be appended");
        Error::new(OUTBOX_FULL, text, true)
    })?;
    let order = session.shared.orders.lock().of(&session.name);
    let turn = order.lock().await;
    let appending = Appending { session, body, part, starts_turn };
    let outcome = appending.until_known().await;
    drop((turn, room));
    outcome
}

struct Appending<'a> {
    session: &'a Session,
    body: &'a str,
    part: &'a str,
    starts_turn: bool,
}

impl Appending<'_> {
    async fn until_known(&self) -> Result<u64, Error> {
        let mut backoff = Backoff::default();
        let began = Instant::now();
        let mut was_refreshed = false;
        loop {
            let over_duplex = self.goes_over_duplex();
            let tried = if over_duplex { self.over_duplex().await } else { self.over_http().await };
            let error = match tried {
                Ok(seq) => {
                    self.expect_answer(seq);
                    return Ok(seq);
                }
                Err(error) => error,
            };
            // Over HTTP a fresh token was tried already.
            let can_refresh = over_duplex && !was_refreshed && self.has_provider();
            let refresh = error.wants_token() && can_refresh;
            if !error.retry && !refresh {
                return Err(error);
            }
            was_refreshed |= refresh;
            debug!(%error, "an append is repeated");
            let wait = backoff.next_full(getrandom::u64().unwrap_or_default());
            if began.elapsed() + wait > PATIENCE {
                let text = format!("the append may have been written, or not: {error}");
                return Err(Error::new(OUTCOME_UNKNOWN, text, false));
            }
            sleep(wait).await;
        }
    }

    fn goes_over_duplex(&self) -> bool {
        let shared = &self.session.shared;
        let duplex = match shared.mode {
            Mode::WebSocket => true,
            Mode::Auto => shared.has_duplex(),
            _ => false,
        };
        duplex && self.fits()
    }

    async fn over_duplex(&self) -> Result<u64, Error> {
        let frame = Append {
            id: 0,
            session: self.session.name.clone(),
            channel: self.session.place.channel_name(),
            side: self.session.place.side.clone(),
            part: Some(self.part.to_owned()),
            body: self.body.to_owned(),
        };
        self.session.shared.hub().append(frame).await
    }

    async fn over_http(&self) -> Result<u64, Error> {
        let Session { shared, name, paths, .. } = self.session;
        let ask = Ask::post_text(paths.append(), self.body.to_owned()).with("x-part-id", self.part);
        let answer = shared.ask(name, &ask).await?.json()?;
        answer["seq"].as_u64().ok_or_else(|| Error::invalid("an append without a seq"))
    }

    /// JSON writes a byte as six at most.
    fn fits(&self) -> bool {
        self.body.len() * 6 + 4096 <= DUPLEX_FRAME_MAX_BYTES || {
            let text = serde_json::to_string(self.body).map_or(usize::MAX, |text| text.len());
            text.saturating_add(4096) <= DUPLEX_FRAME_MAX_BYTES
        }
    }

    fn expect_answer(&self, seq: u64) {
        if let Some(hub) = self.session.shared.hub.get().filter(|_| self.starts_turn) {
            hub.expect_answer(&self.session.name, seq);
        }
    }

    fn has_provider(&self) -> bool {
        self.session.shared.tokens.fixed().is_none()
    }
}
