//! Who may do what: environments, their keys, and the tokens made from them.

pub mod environment;
pub mod principal;
mod runs;
mod tickets;
pub mod tokens;
mod uploads;
mod writes;

pub use environment::Environment;
pub use principal::{Principal, RunIdentity};
pub use tickets::fingerprint;
pub use tokens::Access;
pub use uploads::UploadGrant;
pub use writes::WriteCredentials;
