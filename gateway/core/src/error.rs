//! Failures of the seams, as callers see them.

use tidegate_protocol::{ApiError, ErrorCode};
use tracing::error;

use crate::seams::store::{CommitError, StoreError};
use crate::sessions::row::SessionRow;

/// Shorthand of every operation that a caller asks for.
pub type Result<T, E = ApiError> = std::result::Result<T, E>;

/// What a caller sees of a store failure; the detail goes to the log.
pub fn store(failure: StoreError) -> ApiError {
    match failure {
        StoreError::BadCursor => {
            ApiError::new(ErrorCode::InvalidParameter, "this is not a cursor of this listing")
        }
        failure => {
            error!(%failure, "the store failed");
            ApiError::new(
                ErrorCode::StoreUnavailable,
                "the gateway's store can't be used right now; repeat the request, with the same \
                 X-Part-Id if it had one",
            )
        }
    }
}

/// What a caller sees of a refused or failed commit.
pub fn commit(failure: CommitError) -> ApiError {
    match failure {
        CommitError::Fenced { .. } => {
            ApiError::new(ErrorCode::Fenced, "another writer has taken this session over")
        }
        CommitError::RowChanged { .. } | CommitError::Displaced { .. } => {
            ApiError::new(ErrorCode::Conflict, "the session changed meanwhile; try again")
        }
        CommitError::RecordTooLarge { bytes } => ApiError::new(
            ErrorCode::RecordTooLarge,
            format!("the record would have {bytes} bytes, over the limit of 1 MiB"),
        ),
        CommitError::TooManyOwed { owed } => ApiError::new(
            ErrorCode::TooManyOwed,
            format!("{owed} inputs of this session wait for an answer; try again later"),
        ),
        CommitError::Store(failure) => store(failure),
    }
}

/// There is no such session.
pub fn session_not_found(name: &str) -> ApiError {
    ApiError::new(ErrorCode::SessionNotFound, format!("there is no session {name:?}; create it"))
}

/// Refuses a session that takes no more input at `now` (Unix ms).
pub fn open_or(row: &SessionRow, now: u64) -> Result<()> {
    use crate::seams::store::Status;
    match row.status(now) {
        Status::Active => Ok(()),
        Status::Closed => {
            let closed = "the session is closed and takes no more input; create another";
            let mut error = ApiError::new(ErrorCode::SessionClosed, closed);
            error.closed_reason = row.closed_reason.clone();
            Err(error)
        }
        Status::Expired => Err(ApiError::new(
            ErrorCode::SessionExpired,
            "the session has expired and takes no more input; create another",
        )),
    }
}
