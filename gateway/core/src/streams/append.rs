//! Appending to a session's channels (trigger-client §1.2, §1.4, §1.12).

use bytes::Bytes;
use memchr::memmem;
use serde_json::Value;
use serde_json::value::RawValue;
use tidegate_protocol::handover::Handover;
use tidegate_protocol::ids::{self, Channel, Direction};
use tidegate_protocol::input::{HistoryEdit, Input};
use tidegate_protocol::limits::PART_ID_MAX_BYTES;
use tidegate_protocol::token::scope::Action;
use tidegate_protocol::{ApiError, ErrorCode, NewRecord, control};

use crate::access::Principal;
use crate::error::{self, Result};
use crate::gateway::Gateway;
use crate::seams::store::{Append, Appended, Commit, CommitError, Op, Writer};
use crate::sessions::create::unknown_agent;

/// What is appended.
#[derive(Clone, Debug, Default)]
pub struct AppendRequest {
    /// The body as sent: opaque UTF-8 text (trap 23).
    pub body: Bytes,
    /// `X-Part-Id`: a repeat is recognised and gets the first answer again (trap 30).
    pub part_id: Option<String>,
    /// The history that an AI SDK client holds.
    pub history: Option<HistoryEdit>,
}

impl Gateway {
    /// Appends one record. Answers once it is durable.
    pub async fn append(
        &self,
        principal: &Principal,
        name: &str,
        channel: &Channel,
        request: AppendRequest,
    ) -> Result<Appended> {
        let mut located = self.recall(principal, name).await?;
        let allowed = match channel.direction {
            Direction::In => principal.may_session(Action::Write, &located.ids(), Some(channel)),
            Direction::Out => principal.is_secret(),
        };
        principal.require(allowed)?;
        let (mut append, input) = self.build(principal, channel, request)?;
        // The time of guests ends with the record that says so (I4).
        let hands_over = input.is_hand_over().then_some(Op::HandOver);
        if let Some(run) =
            principal.run().filter(|run| run.session == located.key && run.has_lease())
            && channel.direction == Direction::Out
        {
            append.writer = Writer::Run { fence: run.fence };
        }
        let wakes = append.owed;
        if located.open(self.now()).is_err() {
            // What was at hand may be out of date.
            located = self.locate(principal, name).await?;
        }
        loop {
            let row = located.open(self.now())?;
            if wakes && !self.knows_agent(&row.environment, &row.agent).await? {
                return Err(unknown_agent(&row.agent));
            }
            // Nothing is accepted behind a close.
            let mut ops = vec![Op::ExpectRow { version: row.version }, Op::Append(append.clone())];
            ops.extend(hands_over.clone());
            let commit = Commit { session: located.key.clone(), ops };
            match self.store().commit(commit).await {
                Err(CommitError::RowChanged { .. }) => {}
                Err(failure) => return Err(error::commit(failure)),
                Ok(committed) => {
                    self.metrics().appended();
                    if wakes {
                        self.wake(&located.key, row);
                    }
                    return Ok(committed.appends[0]);
                }
            }
            located = self.locate(principal, name).await?;
        }
    }

    fn build(
        &self,
        principal: &Principal,
        channel: &Channel,
        request: AppendRequest,
    ) -> Result<(Append, Input)> {
        let text = std::str::from_utf8(&request.body)
            .map_err(|_| ApiError::new(ErrorCode::InvalidBody, "the body must be UTF-8 text"))?;
        if request.part_id.as_ref().is_some_and(|id| id.len() > PART_ID_MAX_BYTES) {
            let message = format!("X-Part-Id must have at most {PART_ID_MAX_BYTES} bytes");
            return Err(ApiError::new(ErrorCode::InvalidParameter, message).at("x-part-id"));
        }
        let cleaned = (*channel == Channel::IN).then(|| without_claims(text)).flatten();
        let text = cleaned.as_deref().unwrap_or(text);
        let fresh = || ids::base36(self.entropy(), 21);
        let id = request.part_id.clone().unwrap_or_else(fresh);
        let mut record = match channel.direction {
            Direction::In => NewRecord::text(text, &id),
            // A chunk must stay an object for the chat clients (trap 31).
            Direction::Out => match serde_json::from_str::<&RawValue>(text) {
                Ok(json) if json.get().starts_with('{') => {
                    NewRecord::data(json.get().as_bytes(), &id)
                }
                _ => NewRecord::text(text, &id),
            },
        };
        if !principal.is_secret() {
            check_roles(text, request.history.as_ref())?;
        }
        let input = if *channel == Channel::IN { Input::parse(text) } else { Input::Opaque };
        if input.is_hand_over() {
            // The agent would take it for its own words.
            principal.require_secret()?;
            check_hand_over(&input, text)?;
        }
        // Stops and close messages get a fate from the engine as well, and so are owed too.
        let owed = input != Input::Opaque;
        // A session that owes too much can still be stopped.
        let writer = match input {
            Input::Stop => Writer::Gateway { bump: false },
            _ => Writer::Client,
        };
        if owed {
            let class = if principal.is_secret() { "secret" } else { "public" };
            record.headers.push((control::CREDENTIAL.to_owned(), class.to_owned()));
        }
        if let Some(history) = request.history {
            let json = serde_json::to_string(&history).expect("a HistoryEdit is valid JSON");
            record.headers.push((control::HISTORY.to_owned(), json));
        }
        let append = Append {
            channel: channel.clone(),
            writer,
            frame_key: request.part_id,
            records: vec![record],
            owed,
        };
        Ok((append, input))
    }
}

/// R-APP-15: what only an ingress of the gateway may say of a message, taken out of it. `None` if
/// there is nothing to take out, as in nearly every body.
fn without_claims(text: &str) -> Option<String> {
    const CLAIMS: [&str; 2] = ["actionSource", "channelEvent"];
    // An escape could spell the name otherwise.
    let suspect = |claim: &str| memmem::find(text.as_bytes(), claim.as_bytes()).is_some();
    if !CLAIMS.into_iter().any(suspect) && !text.contains("\\u") {
        return None;
    }
    let mut body: Value = serde_json::from_str(text).ok()?;
    let payload = body.get_mut("payload")?.as_object_mut()?;
    let taken = CLAIMS.iter().filter(|claim| payload.shift_remove(**claim).is_some()).count();
    (taken > 0).then(|| body.to_string())
}

/// A hand-over that no agent could go on from is refused while its sender can still hear it.
fn check_hand_over(input: &Input, text: &str) -> Result<()> {
    if matches!(input, Input::HandOver { .. }) && Handover::parse(text).is_none() {
        let message = "a hand-over has `partialAssistantMessage`, a list, and `isFinal`, a boolean";
        return Err(ApiError::new(ErrorCode::InvalidBody, message));
    }
    Ok(())
}

/// R-APP-12: a browser speaks as the user and hands back what the assistant said; instructions to
/// the model are the application's own.
fn check_roles(text: &str, history: Option<&HistoryEdit>) -> Result<()> {
    let message = match Input::parse(text) {
        Input::Message(payload) => payload.message,
        _ => None,
    };
    let messages = history.map_or(&[][..], |history| &history.messages);
    for message in message.iter().chain(messages) {
        let role = message.get("role").and_then(Value::as_str);
        if role.is_some_and(|role| !matches!(role, "user" | "assistant")) {
            let message = "only messages of role user or assistant may come from a session token";
            return Err(ApiError::new(ErrorCode::Unprocessable, message).at("role"));
        }
    }
    Ok(())
}
