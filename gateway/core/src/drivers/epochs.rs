//! What a driver knows may be more than what a store kept that lost data.

use tidegate_protocol::ids::{Channel, SessionKey, StreamId};

use crate::seams::StreamStore;
use crate::seams::store::{CommitError, StoreError};

/// The epochs of a session's streams when they were last looked at.
#[derive(Debug, Default)]
pub(crate) struct Epochs(Option<[u64; 2]>);

impl Epochs {
    /// Looks at them. Where a new one began, data may be gone, the driver's own commits among it.
    ///
    /// # Errors
    /// Then, so that the session is restored from what is there; and where the store fails.
    pub(crate) async fn look(
        &mut self,
        store: &dyn StreamStore,
        session: &SessionKey,
    ) -> Result<(), CommitError> {
        let stream = |channel| StreamId { session: session.clone(), channel };
        let input = store.state(&stream(Channel::IN)).await?.epoch;
        let output = store.state(&stream(Channel::OUT)).await?.epoch;
        let before = self.0.replace([input, output]);
        if before.is_some_and(|before| before != [input, output]) {
            let text = "a new epoch began, so data may be lost";
            return Err(StoreError::Unavailable(text.to_owned()).into());
        }
        Ok(())
    }
}
