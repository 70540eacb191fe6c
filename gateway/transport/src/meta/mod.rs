//! What a gateway says about itself.

pub(crate) mod address;
pub(crate) mod discovery;
pub(crate) mod health;
