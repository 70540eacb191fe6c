//! Who may do what: environments, their keys, and the tokens made from them.

pub mod environment;
pub mod principal;
pub mod tokens;

pub use environment::Environment;
pub use principal::Principal;
pub use tokens::Access;
