//! A message, and what answers it.

use tidegate_protocol::Record;
use tidegate_protocol::control;
use tidegate_protocol::cursor::Start;

use super::ahead::Ahead;
use super::error::Error;
use super::event::{Content, Event};
use super::session::Session;
use super::subscription::Subscription;

/// The answer to one message, record by record.
#[derive(Debug)]
pub struct Reply {
    session: Session,
    subscription: Subscription,
    /// Where the turn that is read began, or reading.
    begin: Start,
    /// The input's seq.
    seq: u64,
    /// Until a boundary of this floor what comes answers earlier inputs, as far as is known.
    waits: Option<u64>,
    over: bool,
    gaps: u64,
}

/// Sends `text`; its answer follows the newest record that there is now.
pub(super) async fn ask(session: &Session, text: &str) -> Result<Reply, Error> {
    let ahead = Ahead::of(session).await?;
    let begin = ahead.newest.map_or(Start::Floor, Start::after);
    let subscription = session.subscribe(begin);
    let seq = session.send(text).await?;
    let waits = ahead.waits(session, seq).await;
    let session = session.clone();
    Ok(Reply { session, subscription, begin, seq, waits, over: false, gaps: 0 })
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
            let is_answer = is_boundary && answers(&record, self.seq);
            let ends = is_answer || control::kind(&record) == Some(control::SESSION_CLOSED);
            if is_answer && self.waits.take().is_some() {
                // It was no other one's turn after all.
                self.subscription = self.session.subscribe(self.begin);
                continue;
            }
            self.over = ends;
            if ends || !(self.waits.is_some() || is_boundary) {
                return Some(Ok(record));
            }
            if is_boundary {
                self.begin = Start::after(record.seq_num);
                self.waits = self.waits.filter(|until| !answers(&record, *until));
            }
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
