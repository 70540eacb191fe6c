//! What the commands that talk to a gateway share.

use std::future::Future;

use crate::client::{Client, ClientError};
use crate::exit::Failure;

use super::args::RemoteArgs;

/// Runs a command on a runtime of its own; Ctrl-C ends it like any program.
pub(super) fn block_on<F>(command: F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Io(format!("no runtime: {error}")))?;
    runtime.block_on(Box::pin(command))
}

/// A client for the gateway that the arguments name.
pub(super) fn client(args: &RemoteArgs) -> Result<Client, Failure> {
    Client::new(&args.url, &args.key).map_err(failure)
}

/// What a failed request means for the command.
pub(super) fn failure(error: ClientError) -> Failure {
    match error {
        ClientError::BadUrl(_) => Failure::Usage(error.to_string()),
        ClientError::Status { .. } => Failure::Refused(error.to_string()),
        ClientError::Unreachable { .. } | ClientError::Cut(_) => {
            Failure::Unavailable(error.to_string())
        }
    }
}
