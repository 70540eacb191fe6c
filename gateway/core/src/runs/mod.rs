//! Runs: sessions whose turn loop is a worker's (design §5.2).

mod asked;
pub mod book;
mod boundary;
mod budget;
mod calls;
mod driver;
mod early_stop;
mod elsewhere;
mod ending;
mod engine;
pub mod first_step;
pub mod head_start;
mod injected;
pub mod machine;
mod mask;
pub mod notes;
pub mod opened;
mod opening;
pub mod owed;
mod parking;
mod payload;
mod perform;
mod reads;
pub mod requests;
mod serve;
mod stepping;
mod time;
mod trace;
mod words;

pub use asked::Succession;
pub use calls::Call;
pub use engine::Runs;
pub use injected::injected_messages;
pub use machine::RunLimits;
pub use opening::ToOpen;
