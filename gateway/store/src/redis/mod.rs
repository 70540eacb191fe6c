//! `redis:` and its kin: one Redis or Valkey that many gateways share. Every change of a session is
//! one script in one slot (spec/adr/0013); what is here says what the scripts are given and what
//! their answers mean.

mod answer;
mod changes;
mod codec;
mod commit;
pub mod connect;
mod fleet;
mod index;
mod kept;
mod keys;
mod known;
mod leases;
mod listing;
mod plain;
mod reads;
mod recall;
mod schema;
mod scripts;
mod store;
mod sweeps;
mod tell;
mod value;
mod watch;

pub use fleet::RedisFleet;
pub use store::{RedisStore, StoreTime};
