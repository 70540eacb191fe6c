//! Channels: the live form of a stream on this node. A follower is a cursor on a bounded ring,
//! not a queue; behind the ring it reads the store (design §6).

pub mod batch;
pub mod follower;
pub mod live;
pub mod registry;
pub mod ring;

pub use batch::Batch;
pub use follower::Follower;
pub use registry::Channels;
