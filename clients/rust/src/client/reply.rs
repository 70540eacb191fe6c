//! A message, and what answers it.

use tidegate_protocol::Record;
use tidegate_protocol::control;
use tidegate_protocol::cursor::Start;

use super::error::Error;
use super::event::{Content, Event};
use super::http::Ask;
use super::session::Session;
use super::subscription::Subscription;

/// The answer to one message, record by record.
#[derive(Debug)]
pub struct Reply {
    subscription: Subscription,
    /// The input's seq.
    seq: u64,
    /// Does a turn of an earlier input run, as far as is known?
    waits: bool,
    over: bool,
    gaps: u64,
}

/// Sends `text`; its answer follows the newest record that there is now.
pub(super) async fn ask(session: &Session, text: &str) -> Result<Reply, Error> {
    let token = session.shared.tokens.get(&session.name).await?;
    let newest = match session.shared.newest(&session.paths, &token, session.shared.mode).await {
        Err(error) if error.wants_token() => {
            let token = session.shared.tokens.fresh(&session.name, &token, error).await?;
            session.shared.newest(&session.paths, &token, session.shared.mode).await?
        }
        newest => newest?,
    };
    let waits = match newest {
        None => false,
        Some(newest) => !is_settled(session, newest).await?,
    };
    let start = newest.map_or(Start::Floor, Start::after);
    let subscription = session.subscribe(start);
    let seq = session.send(text).await?;
    Ok(Reply { subscription, seq, waits, over: false, gaps: 0 })
}

/// Is the newest record, but for command records and keep-alives, a boundary?
async fn is_settled(session: &Session, newest: u64) -> Result<bool, Error> {
    // The first ones have no cursor before them.
    let page = Ask::get(session.paths.records(newest.checked_sub(2), 3));
    let page = session.shared.ask(&session.name, &page).await?.json()?;
    let records = page["records"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(last) = records.last() else { return Ok(false) };
    let headers = last["headers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let kind = headers.iter().find(|header| header[0] == control::CONTROL);
    let kind = kind.and_then(|header| header[1].as_str());
    Ok(matches!(kind, Some(control::TURN_COMPLETE | control::SESSION_CLOSED)))
}

impl Reply {
    /// The seq of the message on `.in`.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// How often records were lost so far: what was read may not be the whole answer.
    pub fn gaps(&self) -> u64 {
        self.gaps
    }

    /// The next record of the answer; its boundary is the last one. While a turn of an earlier
    /// input runs, what that one writes is passed over. Errors: what ends the subscription.
    pub async fn next(&mut self) -> Option<Result<Record, Error>> {
        while !self.over {
            let record = match self.subscription.next().await? {
                Ok(Event::Record(record)) => record,
                Ok(Event::Gap { .. }) => {
                    self.gaps += 1;
                    continue;
                }
                Ok(Event::Transport(_)) => continue,
                Err(error) => {
                    self.over = true;
                    return Some(Err(error));
                }
            };
            let is_boundary = control::is_boundary(&record);
            self.over = match control::kind(&record) {
                Some(control::TURN_COMPLETE) => answers(&record, self.seq),
                Some(control::SESSION_CLOSED) => true,
                _ => false,
            };
            if self.over || !(self.waits || is_boundary) {
                return Some(Ok(record));
            }
            self.waits &= !is_boundary;
        }
        None
    }

    /// The text of the whole answer. Errors: as [`Reply::next`], and `answer_failed` where the
    /// answer has an `error` chunk.
    pub async fn text(mut self) -> Result<String, Error> {
        let mut text = String::new();
        while let Some(record) = self.next().await {
            let Content::Chunk(chunk) = Content::of(&record?) else { continue };
            match chunk["type"].as_str() {
                Some("text-delta") => text.push_str(chunk["delta"].as_str().unwrap_or_default()),
                Some("error") => {
                    let why = chunk["errorText"].as_str().unwrap_or("the agent failed");
                    return Err(Error::new("answer_failed", why.to_owned(), false));
                }
                _ => {}
            }
        }
        Ok(text)
    }
}

/// Is the input `seq` answered with this boundary? Up to its floor every input has its fate
/// (R-CTL-2); one that says nothing ends whatever is read (R-CTL-3).
fn answers(boundary: &Record, seq: u64) -> bool {
    let floor = boundary.header(control::IN_EVENT_ID);
    floor.and_then(|floor| floor.parse::<u64>().ok()).is_none_or(|floor| floor >= seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_that_end_an_answer() {
        let boundary = |floor| control::boundary(floor, floor, None).at(0, 0);
        assert!(!answers(&boundary(Some(2)), 3));
        assert!(answers(&boundary(Some(3)), 3));
        assert!(answers(&boundary(None), 3));
    }
}
