//! What is answered before a message that is sent now.

use serde_json::Value;
use tidegate_protocol::control;
use tidegate_protocol::input::{Input, Trigger};

use super::error::Error;
use super::http::Ask;
use super::place::Channel;
use super::session::Session;

/// Inputs that are looked at; more are hardly ever owed at once.
const INPUTS: usize = 100;

/// See the module.
pub(super) struct Ahead {
    /// Seq of the newest record of `.out`.
    pub(super) newest: Option<u64>,
    /// A boundary of at least this floor comes before the answer.
    pub(super) waits: Option<u64>,
}

/// The end of `.out`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// There is nothing.
    Empty,
    /// A turn runs, as far as is known.
    Running,
    /// None does; up to this floor inputs have their fate.
    Settled(Option<u64>),
}

impl Ahead {
    pub(super) async fn of(session: &Session) -> Result<Self, Error> {
        let inputs = session.stream(Channel::In, None);
        let shared = &session.shared;
        let (newest, last) = tokio::try_join!(
            shared.newest_of(&session.name, &session.paths),
            shared.newest_of(&session.name, &inputs.paths),
        )?;
        let end = match newest {
            None => End::Empty,
            Some(newest) => end_at(session, newest).await?,
        };
        let owed = match last {
            Some(last) => owed(&inputs, end, last).await?,
            None => None,
        };
        let waits = owed.or((end == End::Running).then_some(0));
        Ok(Self { newest, waits })
    }
}

/// What the newest record says, but for command records and keep-alives.
async fn end_at(session: &Session, newest: u64) -> Result<End, Error> {
    // The first ones have no cursor before them.
    let page = Ask::get(session.paths.records(newest.checked_sub(2), 3));
    let page = session.shared.ask(&session.name, &page).await?.json()?;
    let last = page["records"].as_array().and_then(|records| records.last());
    Ok(last.map_or(End::Running, end))
}

fn end(last: &Value) -> End {
    let headers = last["headers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let header = |name: &str| {
        let header = headers.iter().find(|header| header[0] == name);
        header.and_then(|header| header[1].as_str())
    };
    match header(control::CONTROL) {
        Some(control::TURN_COMPLETE | control::SESSION_CLOSED) => {
            let floor = header(control::IN_EVENT_ID);
            End::Settled(floor.and_then(|floor| floor.parse().ok()))
        }
        _ => End::Running,
    }
}

/// The last input up to `last` whose turn is still to end.
async fn owed(inputs: &Session, end: End, last: u64) -> Result<Option<u64>, Error> {
    let floor = match end {
        End::Settled(floor) => floor,
        End::Empty | End::Running => None,
    };
    if floor.is_some_and(|floor| floor >= last) {
        return Ok(None);
    }
    let after = floor.max(last.checked_sub(INPUTS as u64));
    let fates = Ask::get(inputs.paths.inputs(after, INPUTS));
    let fates = inputs.shared.ask(&inputs.name, &fates).await?.json()?;
    let is_known = end == End::Empty || floor.is_some();
    if open(&fates, is_known).next().is_none() {
        return Ok(None);
    }
    let records = inputs.records(after, INPUTS).await?;
    let turns: Vec<u64> = records.iter().filter_map(starts_turn).collect();
    Ok(open(&fates, is_known).filter(|seq| turns.contains(seq)).max())
}

/// Those without a fate. If it `is_known` what was answered before, the others that are answered by
/// now count as well: their boundary is still to be read.
fn open(fates: &Value, is_known: bool) -> impl Iterator<Item = u64> {
    let inputs = fates["inputs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let open = inputs.iter().filter(move |input| match input["fate"].as_str() {
        None => true,
        Some(fate) => is_known && fate == "answered",
    });
    open.filter_map(|input| input["seq"].as_u64())
}

/// The seq of a record of `.in` that gets a turn (R-IN-3).
fn starts_turn(record: &Value) -> Option<u64> {
    let Input::Message(payload) = Input::parse(record["data"].as_str()?) else { return None };
    match payload.trigger {
        Trigger::Submit | Trigger::Regenerate | Trigger::Action => record["seqNum"].as_u64(),
        Trigger::Close | Trigger::Preload => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ends_of_out() {
        let of = |headers: Value| end(&json!({"headers": headers}));
        let kind = |kind: &str| json!([control::CONTROL, kind]);
        let complete = kind(control::TURN_COMPLETE);
        assert_eq!(of(json!([complete, [control::IN_EVENT_ID, "4"]])), End::Settled(Some(4)));
        assert_eq!(of(json!([kind(control::SESSION_CLOSED)])), End::Settled(None));
        assert_eq!(of(json!([kind("keep-alive")])), End::Running);
        assert_eq!(end(&json!({})), End::Running);
    }

    #[test]
    fn inputs_whose_turn_is_to_end() {
        let fates = json!({"inputs": [{"seq": 1, "fate": "answered", "turn": 0},
            {"seq": 2, "fate": null}, {"seq": 3, "fate": "consumed"}]});
        assert_eq!(open(&fates, true).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(open(&fates, false).collect::<Vec<_>>(), [2]);
        let starts = |text: &str| starts_turn(&json!({"data": text, "seqNum": 7}));
        assert_eq!(starts(r#"{"kind":"message","payload":{}}"#), Some(7));
        assert_eq!(starts(r#"{"kind":"message","payload":{"trigger":"preload"}}"#), None);
        assert_eq!(starts(r#"{"kind":"stop"}"#), None);
        assert_eq!(starts("raw"), None);
    }
}
