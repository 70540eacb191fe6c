//! Does the way from this gateway to a client hold back what is sent (R-SELF)?

mod answer;
pub(crate) mod socket;
pub(crate) mod stream;
mod trials;

pub(crate) use answer::acknowledge;
pub(crate) use stream::Trial;
pub(crate) use trials::Trials;
