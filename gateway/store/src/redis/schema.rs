//! Which shape what is stored has. An older gateway must not write what a newer one shaped.

use super::connect::{Call, Connection};
use super::value::{bytes, unavailable};
use crate::open::OpenError;

/// Key of the schema of all that the store holds.
const SCHEMA: &str = "tg:schema";
/// The schema that this version writes and reads.
const KNOWN: u64 = 1;

/// Notes the schema of an empty store; refuses one that is not known.
pub(super) async fn check_schema(connection: &Connection) -> Result<(), OpenError> {
    let call = Call::command("SET", SCHEMA).arg(KNOWN).arg("NX").arg("GET");
    let reply = connection.run(call).await.map_err(|e| OpenError::Shared(unavailable(e)))?;
    let Some(found) = bytes(reply.value).map_err(OpenError::Shared)? else { return Ok(()) };
    let found = String::from_utf8_lossy(&found).into_owned();
    match found.parse::<u64>() {
        Ok(KNOWN) => Ok(()),
        Ok(found) if found < KNOWN => Err(OpenError::OlderSchema { found, known: KNOWN }),
        _ => Err(OpenError::NewerSchema { found, known: KNOWN }),
    }
}
