//! `PUT …/out`: write credentials for S2 (trigger-client §1.5). Not served yet, and said so in a
//! way that callers do not retry.

use tidegate_core::error::Result;
use tidegate_protocol::ids::{Channel, Direction};
use tidegate_protocol::{ApiError, ErrorCode};

use crate::service::call::Call;
use crate::service::respond::Response;

/// Refuses: those who may not write first, everyone else afterwards.
pub(crate) fn give(call: &Call<'_>, channel: &Channel) -> Result<Response> {
    call.principal.require_secret()?;
    let message = match channel.direction {
        Direction::Out => "this gateway does not serve S2 writes yet; POST to …/out/append instead",
        Direction::In => "write credentials are for .out only; POST to …/in/append instead",
    };
    Err(ApiError::new(ErrorCode::MethodNotAllowed, message))
}
