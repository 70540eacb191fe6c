//! What is answered before a message that is sent now.

use serde_json::Value;
use tidegate_protocol::control;

use super::error::Error;
use super::http::Ask;
use super::session::Session;
use super::shared;

/// Inputs that are looked at; more are hardly ever owed at once.
const INPUTS: u64 = 100;

/// See the module.
pub(super) struct Ahead {
    /// Seq of the newest record of `.out`.
    pub(super) newest: Option<u64>,
    end: End,
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
    /// As it is now.
    pub(super) async fn of(session: &Session) -> Result<Self, Error> {
        let head = Ask::head(session.paths.out());
        let newest = shared::newest(&session.shared.ask_again(&session.name, &head).await?)?;
        let end = match newest {
            None => End::Empty,
            Some(newest) => end_at(session, newest).await?,
        };
        Ok(Self { newest, end })
    }

    /// If others are answered before the input `seq`, which was sent since: of which floor a
    /// boundary has to be before it is its turn.
    pub(super) async fn waits(&self, session: &Session, seq: u64) -> Option<u64> {
        let (floor, running) = match self.end {
            End::Empty => (None, None),
            End::Settled(floor) => (floor, None),
            End::Running => (None, Some(0)),
        };
        let after = floor.max(seq.checked_sub(INPUTS + 1));
        if after.map_or(0, |after| after + 1) >= seq {
            return running;
        }
        let fates = Ask::get(session.paths.inputs(after, INPUTS));
        let fates = session.shared.ask_again(&session.name, &fates).await;
        // Who may not know it has what `.out` says.
        let Ok(fates) = fates.and_then(|fates| fates.json()) else { return running };
        // The boundary that ends a running turn says whether it was the last of them.
        let and_answered = self.end != End::Settled(None);
        turns(&fates, and_answered).filter(|turn| *turn < seq).max().or(running)
    }
}

/// What the newest record says, but for command records and keep-alives.
async fn end_at(session: &Session, newest: u64) -> Result<End, Error> {
    // The first ones have no cursor before them.
    let page = Ask::get(session.paths.records(newest.checked_sub(2), 3));
    let page = session.shared.ask_again(&session.name, &page).await?.json()?;
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

/// Inputs whose turn is still to end, or, with `and_answered`, has ended.
fn turns(fates: &Value, and_answered: bool) -> impl Iterator<Item = u64> {
    let inputs = fates["inputs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let turns = inputs.iter().filter(move |input| match input["fate"].as_str() {
        None => true,
        Some(fate) => and_answered && fate == "answered",
    });
    turns.filter_map(|input| input["seq"].as_u64())
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
        assert_eq!(turns(&fates, true).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(turns(&fates, false).collect::<Vec<_>>(), [2]);
    }
}
