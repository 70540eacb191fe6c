//! Closing a session: the row says so at once, and a record on `.in` makes the engine tell the
//! readers once everything that was accepted before is answered.

use std::sync::Arc;

use tidegate_protocol::ids::{self, Channel};
use tidegate_protocol::token::scope::Action;
use tidegate_protocol::{NewRecord, control};

use super::request::validate_reason;
use super::row::SessionRow;
use crate::access::Principal;
use crate::error::Result;
use crate::gateway::Gateway;
use crate::runs::Call;
use crate::runs::book::parse_run_id;
use crate::seams::store::{Append, Op, Writer};

impl Gateway {
    /// Closes the session for good. Idempotent; the first reason stays. A run that closes its own
    /// session (`calling`) has told its readers already.
    pub async fn close_session(
        &self,
        principal: &Principal,
        name: &str,
        reason: Option<String>,
        calling: Option<&str>,
    ) -> Result<Arc<SessionRow>> {
        validate_reason(reason.as_deref())?;
        let located = self.locate(principal, name).await?;
        principal.require(principal.may_session(Action::Admin, &located.ids(), None))?;
        let row = located.existing()?;
        let own = calling.and_then(parse_run_id).is_some_and(|(session, _)| session == row.id);
        let wake = (!own).then(|| self.close_record(reason.as_deref()));
        let now = self.now();
        let row = self
            .change(&located, wake.into_iter().collect(), |row| {
                if row.closed_at.is_some() {
                    return Ok(false);
                }
                row.closed_at = Some(now);
                row.closed_reason.clone_from(&reason);
                Ok(true)
            })
            .await?;
        if own {
            self.runs().call(&located.key, &row, Call::Closed).await;
        }
        self.wake(&located.key, &row);
        Ok(row)
    }

    fn close_record(&self, reason: Option<&str>) -> Op {
        let text = r#"{"kind":"message","payload":{"trigger":"close"}}"#;
        let mut record = NewRecord::text(text, &ids::base36(self.entropy(), 21));
        record.headers.push((control::CLOSE.to_owned(), reason.unwrap_or_default().to_owned()));
        Op::Append(Append {
            channel: Channel::IN,
            writer: Writer::Gateway { bump: false },
            frame_key: None,
            records: vec![record],
            owed: true,
        })
    }
}
