//! The contract that every store must pass, as functions over a [`StoreFactory`]. The macro
//! [`contract_suite`](crate::contract_suite) makes a test of each.

pub mod appends;
pub mod atomicity;
pub mod blobs;
pub mod deletion;
pub mod ending;
pub mod factory;
pub mod fences;
pub mod fixture;
pub mod floors;
pub mod frames;
pub mod inputs;
pub mod leases;
pub mod listing;
pub mod model;
pub mod random;
pub mod retention;
pub mod rows;
pub mod simulate;
mod suite;
pub mod sweeps;

pub use factory::StoreFactory;
