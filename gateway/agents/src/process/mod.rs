//! A command that is run for each answer: JSON lines in, JSON lines out (R-PRC).

mod answer;
mod backend;
mod deadlines;
mod group;
mod keeper;
mod launch;
mod lines;
mod pipe;
mod request;
mod running;
mod stderr;
mod translate;

pub(crate) use backend::Process;
