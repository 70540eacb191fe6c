//! What a run does not see of `.in`: stops and closes that took effect before it began (R-RUNS-21).
//! The published SDK would take them for its own.

use std::sync::Arc;

use tidegate_protocol::Record;
use tidegate_protocol::ids::{Channel, SessionKey, StreamId};
use tokio_util::sync::CancellationToken;

use super::book::{BOOK_BLOB, Book};
use super::driver::PAGE;
use super::machine::is_signal;
use crate::access::Principal;
use crate::channels::follower::Guard;
use crate::error::{self, Result};
use crate::gateway::Gateway;
use crate::seams::store::{CommitError, StoreError};

/// What a reader of `.in` sees of it.
#[derive(Default)]
pub(crate) struct InputView {
    /// Seqs that it does not see, ascending. As of a run's life, all of them are known when its
    /// read is opened: a head start begins before its run does, and what had taken effect by then
    /// is older than the run.
    pub(crate) hidden: Vec<u64>,
    /// Pages end before this seq. By a page the published SDK learns how far the run before it
    /// came, and takes a hand-over in it for one of that run's.
    pub(crate) pages_end: Option<u64>,
    /// The reader is a run: what lets records pass while it is live, and what is cancelled when it
    /// is over.
    pub(crate) over: Option<(Guard, Arc<CancellationToken>)>,
}

impl Gateway {
    /// What `principal` sees of `channel`: all of it, unless it is the session's run.
    pub(crate) async fn input_view(
        &self,
        principal: &Principal,
        session: &SessionKey,
        channel: &Channel,
    ) -> Result<InputView> {
        let run = principal.run().filter(|run| run.session == *session && *channel == Channel::IN);
        let Some(run) = run else { return Ok(InputView::default()) };
        let blob = self.store().blob(session, BOOK_BLOB).await.map_err(error::store)?;
        let Some(blob) = blob else { return Ok(InputView::default()) };
        let book = Book::parse(&blob).map_err(error::store)?;
        let handed = book.head_start.as_ref().and_then(|open| open.handed);
        let mut hidden = self.find_hidden(session, &book).await.map_err(error::store)?;
        // The hand-over stands in its place (R-HDS-16).
        hidden.extend(book.stepped_input());
        hidden.sort_unstable();
        if run.has_lease() && !book.is_of(run.fence) {
            return Err(error::commit(CommitError::Fenced { current: run.fence }));
        }
        let over = run.has_lease().then(|| {
            let over = self.runs().begin_read(session, run.fence);
            (self.run_guard(session, run.fence, &over), over)
        });
        Ok(InputView { hidden, pages_end: handed.map(|handed| handed.seq), over })
    }

    async fn find_hidden(
        &self,
        session: &SessionKey,
        book: &Book,
    ) -> std::result::Result<Vec<u64>, StoreError> {
        let store = self.store();
        let seen = book.current.as_ref().and_then(|run| run.seen);
        let Some(end) = seen else { return Ok(Vec::new()) };
        let owed = store.owed(session).await?;
        let stream = StreamId { session: session.clone(), channel: Channel::IN };
        let (mut hidden, mut next) = (Vec::new(), book.floor.map_or(0, |floor| floor + 1));
        while next <= end {
            let page = store.read(&stream, next, PAGE).await?;
            let Some(last) = page.last() else { break };
            next = last.seq_num + 1;
            let settled = |record: &&Record| {
                record.seq_num <= end && is_signal(record) && !owed.contains(&record.seq_num)
            };
            hidden.extend(page.iter().filter(settled).map(|record| record.seq_num));
        }
        Ok(hidden)
    }
}
