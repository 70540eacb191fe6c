//! The run machine: workers run the loop, the gateway sees that every input gets its answer.

mod cases;
mod driver;
mod guests;
mod heads;
mod history;
mod stepped;
mod stepping;
mod steps;
mod warm;
mod worker;
mod world;
