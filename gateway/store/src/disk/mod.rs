//! `disk:PATH`: one process, one directory, group commit. Survives `kill -9` and power loss.
//!
//! One thread commits. It takes every commit that is queued, checks each against the state that
//! it keeps of its session, writes all as one batch of the engine (fjall) and syncs once. Only
//! then do the records become visible, is the listener told and are the callers answered.

mod answer;
mod apply;
mod cache;
mod committer;
mod deletion;
mod enforce;
mod engine;
mod group;
mod journal;
mod keys;
mod load;
mod overlay;
mod reads;
mod rows;
mod shared;
mod store;
mod sweep;
mod values;
mod views;
mod work;

pub use store::DiskStore;
