//! Many gateways, one store (R-FLT): which of them serves a session, and what they tell each other.

mod announce;
mod answer;
mod ask;
mod hear;
pub mod message;
pub mod roster;
mod serving;
mod share;
mod take_over;

pub use message::{Answer, Message, Question};
pub(crate) use serving::CLAIM_PAUSE;
pub use serving::{Hold, Serving};
