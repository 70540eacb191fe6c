//! A create that opens a head start for a session that is there (R-HDS-9).

use std::sync::Arc;

use serde_json::{Map, Value};
use tidegate_protocol::ids::SessionKey;
use tokio::sync::oneshot;

use super::drive::Driver;
use crate::error::Result;
use crate::gateway::Gateway;
use crate::runs::calls::Call;
use crate::runs::machine::Machine;
use crate::runs::machine::head_start::Opening;
use crate::runs::opened::HeadStart;
use crate::seams::store::{CommitError, Op};
use crate::sessions::head_start::turn_running;
use crate::sessions::row::SessionRow;
use crate::streams::saved::save_messages;
use crate::streams::transcript::SAVED_BLOB;

/// What is opened.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ToOpen {
    /// The head start.
    pub head_start: HeadStart,
    /// The session's trigger configuration from now on.
    pub config: Map<String, Value>,
    /// Messages that belong to the session's transcript.
    pub messages: Vec<Value>,
}

impl Gateway {
    /// Opens a head start; refused while a turn runs.
    pub(crate) async fn open_head_start(
        &self,
        key: &SessionKey,
        row: &Arc<SessionRow>,
        open: ToOpen,
    ) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        let call = Call::Open { open: Box::new(open), reply };
        match self.call_runs(key, row, call, answer).await? {
            true => Ok(()),
            false => Err(turn_running()),
        }
    }
}

impl Driver {
    /// Answers whether the head start is open.
    pub(super) async fn open(
        &mut self,
        machine: &mut Machine,
        open: ToOpen,
    ) -> std::result::Result<bool, CommitError> {
        // A message that was accepted before goes first.
        self.read_inputs(machine).await?;
        machine.settle_stops();
        self.perform(machine).await?;
        let opened = match machine.handle_open(open.head_start, self.now()) {
            Opening::Refused => return Ok(false),
            Opening::Repeated => return Ok(true),
            Opening::Opened(ops) => ops,
        };
        loop {
            self.look_at_row().await?;
            let config = Value::Object(open.config.clone());
            let row = SessionRow { trigger_config: config, ..(*self.row).clone() };
            let row = SessionRow { updated_at: self.now(), ..row };
            let row = Op::PutRow { expected: Some(self.row.version), row: Box::new(row) };
            let saved = self.shared.common.store.blob(&self.session, SAVED_BLOB).await?;
            let saved = save_messages(saved.as_deref(), &open.messages, self.now());
            let ops = [Some(row), saved].into_iter().flatten().chain(opened.clone()).collect();
            match self.commit(ops).await {
                Err(CommitError::RowChanged { .. }) => {}
                outcome => break outcome.map(drop)?,
            }
        }
        machine.handle_opened(self.now());
        self.perform(machine).await?;
        Ok(true)
    }
}
