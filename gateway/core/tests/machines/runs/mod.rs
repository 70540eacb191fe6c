//! The run machine: workers run the loop, the gateway sees that every input gets its answer.

mod driver;
mod guests;
mod heads;
mod history;
mod steps;
mod worker;
mod world;
